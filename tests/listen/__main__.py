"""`python -m tests.listen`: speak, listen, write docs/voices.md. What was spoken and heard is kept, so that a run that
was interrupted goes on, and only what is missing is spoken.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from statistics import mean, median

import av
import numpy as np
import psutil

from actors.audio.wav import duration_s
from actors.providers.espeak import Espeak
from actors.providers.kokoro.provider import Kokoro
from actors.providers.provider import Line, Provider
from tests.listen.compare import error
from tests.listen.ears import RATE_HZ, Ears, Samples, pitch_hz
from tests.listen.report import Measured, write_report
from tests.listen.sentences import SENTENCES
from tests.standins.settings import settings_of

ROOT = Path(__file__).parents[2]
#: A busy machine takes its time.
PATIENCE_S = 600.0

ESPEAK = {"zh-TW": "cmn+f2", "en-US": "en-us+f2"}


def main() -> int:
    """Speak and judge, then report: a table on standard output and in docs/voices.md, and the picture beside it."""
    parser = argparse.ArgumentParser(prog="make listen", description=__doc__)
    parser.add_argument("--kept", type=Path, default=ROOT / ".data" / "listen", help="where audio and marks are kept")
    parser.add_argument("--voices", nargs="*", help="only these of kokoro's")
    parser.add_argument("--sentences", type=int, default=20, help="of each language")
    arguments = parser.parse_args()
    kept: Path = arguments.kept
    settings = settings_of({"DATA_DIR": str(kept), "KOKORO_THREADS": "1"})
    with closing(Kokoro(settings)) as kokoro, closing(Espeak(settings)) as espeak:
        cast = [(kokoro, v.voice_id, dict.fromkeys(SENTENCES, v.voice_id), v.voice_name) for v in kokoro.voices(10)]
        if arguments.voices:
            cast = [each for each in cast if each[1] in arguments.voices]
        speak([*cast, (espeak, "espeak", ESPEAK, "espeak")], kept, arguments.sentences)
    ears = Ears(kept / "whisper-base")
    measured = [judge(ears, name, shown, kept, arguments.sentences) for _, name, _, shown in cast]
    measured.append(judge(ears, "espeak", "espeak", kept, arguments.sentences))
    sys.stdout.write(write_report(measured, ROOT / "docs"))
    return 0


def speak(cast: Sequence[tuple[Provider, str, Mapping[str, str], str]], kept: Path, count: int) -> None:
    """Every sentence by every voice that is not there yet, as WAV, and how much work a second of it was.

    The work is the processor's time, not the clock's: on one thread it is the real-time factor of a core that has
    nothing else to do, whatever else this machine does meanwhile.
    """
    warm: set[Provider] = set()
    for language, number, sentence in _asked(count):
        for provider, name, voice_ids, _ in cast:
            wav = kept / name / f"{language}-{number:02}.wav"
            if wav.exists():
                continue
            wav.parent.mkdir(parents=True, exist_ok=True)
            if provider not in warm:  # the model and the dictionaries are loaded with the first words
                provider.speak(Line("好。OK.", voice_ids[language], language), PATIENCE_S)
                warm.add(provider)
            before_s = _work_s()
            audio = provider.speak(Line(sentence, voice_ids[language], language), PATIENCE_S)
            took_s = _work_s() - before_s
            wav.with_suffix(".json").write_text(json.dumps({"rtf": took_s / duration_s(audio)}))
            wav.write_bytes(audio)
            sys.stderr.write(f"{wav.relative_to(kept)}: {took_s:.1f} s\n")


def _work_s() -> float:
    """What the children of this process, and theirs that have ended, have used of the processor."""
    return sum(sum(child.cpu_times()[:4]) for child in psutil.Process().children())


def judge(ears: Ears, name: str, shown: str, kept: Path, count: int) -> Measured:
    """What the listeners say of a voice."""
    marks: dict[str, list[dict[str, float]]] = {language: [] for language in SENTENCES}
    for language, number, sentence in _asked(count):
        wav = kept / name / f"{language}-{number:02}.wav"
        noted = json.loads(wav.with_suffix(".json").read_text())
        if "error" not in noted:
            samples = _samples(wav)
            heard = ears.heard(samples, language)
            noted |= {
                "heard": heard,
                "quality": ears.quality(samples),
                "pitch": pitch_hz(samples),
                "error": error(sentence, heard, language),
            }
            wav.with_suffix(".json").write_text(json.dumps(noted, ensure_ascii=False))
            sys.stderr.write(f"{name} {noted['error']:.0%} {heard}\n")
        marks[language].append(noted)
    everything = [mark for each in marks.values() for mark in each]
    return Measured(
        name=name,
        shown=shown,
        error_zh=mean(mark["error"] for mark in marks["zh-TW"]),
        error_en=mean(mark["error"] for mark in marks["en-US"]),
        quality_zh=mean(mark["quality"] for mark in marks["zh-TW"]),
        quality_en=mean(mark["quality"] for mark in marks["en-US"]),
        pitch_hz=median(mark["pitch"] for mark in marks["zh-TW"]),
        rtf=median(mark["rtf"] for mark in everything),
    )


def _asked(count: int) -> Iterator[tuple[str, int, str]]:
    for language, sentences in SENTENCES.items():
        for number, sentence in enumerate(sentences[:count]):
            yield language, number, sentence


def _samples(wav: Path) -> Samples:
    """As the listeners want it: 16 kHz, mono, floats."""
    resampler = av.AudioResampler("flt", "mono", RATE_HZ)
    with av.open(io.BytesIO(wav.read_bytes()), mode="r") as container:
        frames: Sequence[av.AudioFrame] = [
            made for frame in [*container.decode(audio=0), None] for made in resampler.resample(frame)
        ]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
