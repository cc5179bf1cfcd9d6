"""The local voice: espeak-ng, with no key, no network and a hundred languages. Segmented.

The library is a wheel of its own, `espeakng-loader`, and an extra of ours, because it is GPL-3. It speaks in child
processes (`child_pool.py`); which voices there are is `espeak_voices.py`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from actors.audio.wav import wav_of
from actors.providers import espeak_child
from actors.providers.child_pool import ChildPool, Engine
from actors.providers.espeak_child import PITCH, PITCH_RANGE, RATE_WPM
from actors.providers.espeak_voices import EspeakVoice, installed_voices
from actors.providers.problem import Problem, Text
from actors.providers.provider import Delivery, Line, ProviderError, SynthesisMode, Voice
from actors.providers.refusals import too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from storage.jobs import Script

try:
    import espeakng_loader  # pyright: ignore[reportMissingTypeStubs] - it has none
except ImportError:
    espeakng_loader = None

#: Ten thousand Chinese characters are 45 minutes and 120 MB of samples, all in memory at once.
MAX_TURN_CHARACTERS: Final = 10_000

#: espeak has no readings for kanji: it says "Chinese letter" for each.
_KANJI: Final = re.compile("[\u3005\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

#: What espeak does not read as it stands. Full-width digits and letters are silent in it, and a control character
#: may begin a command (\x01) or end the text (\x00).
_AS_ESPEAK_READS: Final[Mapping[int, int]] = {
    **{code: ord(" ") for code in (*range(0x20), *range(0x7F, 0xA0))},
    **{code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))},
}


#: The rate is a parameter of the library's: 80 to 450 words a minute.
_DELIVERY: Final = Delivery(slowest=0.5, fastest=2.0)


class Espeak:
    """The provider `espeak`."""

    name = "espeak"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 6
    character_limit = 100_000
    advanced_features: Sequence[str] = ("offline",)
    calls_at_once = max(2, os.cpu_count() or 0)

    def __init__(self, _settings: ProviderSettings) -> None:
        self.missing_settings: Sequence[str] = () if espeakng_loader else ("readthrough[espeak]",)
        self._pool: ChildPool | None = None
        self._voices: Mapping[str, EspeakVoice] = {}
        if espeakng_loader:
            library, data_dir = espeakng_loader.get_library_path(), Path(espeakng_loader.get_data_path())
            self._voices = installed_voices(data_dir)
            # espeak-ng has global state, and two threads in it crash: a library of its own for each turn at a time.
            engine = Engine(
                "espeak-ng", lambda: (sys.executable, "-I", "-S", espeak_child.__file__, library, str(data_dir))
            )
            self._pool = ChildPool(engine, size=self.calls_at_once)

    @property
    def fingerprint(self) -> str:
        """The version of the wheel and how the voice is set."""
        return f"espeakng-loader {version('espeakng-loader')} rate={RATE_WPM} pitch={PITCH} range={PITCH_RANGE}"

    def delivery(self, voice_id: str) -> Delivery:
        """Any speed; it has no styles."""
        return _DELIVERY

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """Every language of the installed library, each in ten voices."""
        return [known.voice for known in self._voices.values()]

    def known_voices(self) -> Sequence[Voice]:
        """All of them."""
        return self.voices(0)

    def fits(self, text: str) -> bool:
        """By its characters."""
        return len(text) <= MAX_TURN_CHARACTERS

    def check(self, script: Script) -> Sequence[Problem]:
        """Unknown voices, turns that are too long or have nothing to say, kanji for a Japanese voice."""
        return [
            *unknown_voices(script, self._voices.__contains__),
            *too_long_turns(script, MAX_TURN_CHARACTERS),
            *unspeakable_turns(script),
            *self._kanji_turns(script),
        ]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as WAV, 16 bit mono at 22 050 Hz. The voice decides the language.

        Raises:
            ProviderError: permanent for an unknown voice or a text without a sound; transient when a child process
                died, or all of them were busy for `timeout_s` seconds.
        """
        known = self._voices.get(line.voice_id)
        if known is None or self._pool is None:
            raise ProviderError(f"espeak-ng has no voice {line.voice_id!r}", permanent=True)
        text = line.text.encode(errors="replace").decode().translate(_AS_ESPEAK_READS)
        rate_wpm = round(RATE_WPM * line.speed)
        request = {"voice": known.library_name, "text": text, "rate_wpm": rate_wpm}
        samples, sample_rate_hz = self._pool.speak(request, timeout_s)
        if not any(samples):
            raise ProviderError("espeak-ng found nothing to speak in this text", permanent=True)
        return wav_of(samples, sample_rate_hz)

    def close(self) -> None:
        """End the child processes."""
        if self._pool:
            self._pool.close()

    def _kanji_turns(self, script: Script) -> Iterator[Problem]:
        for turn in script.turns:
            known = self._voices.get(script.voice_for(turn))
            if known and known.voice.language == "ja" and _KANJI.search(turn.text):
                yield Problem(
                    f"turns[{turn.index}].text",
                    Text(
                        "espeak 的日語語音只會讀假名，請把漢字改寫成假名",
                        "the Japanese voice of espeak reads kana only: write kanji as kana",
                    ),
                )
