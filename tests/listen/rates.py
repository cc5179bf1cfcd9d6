"""`python -m tests.listen.rates`: how fast the local voices speak; what `actors/speech_rates.py` was made of.

Each voice says the sentences of `sentences.py`; the least squares of what they last give the milliseconds of a wide
letter (Chinese) and of a narrow one (Latin). A mark between clauses, and a line, are taken to be 300 and 100.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import astuple

import numpy as np

from actors.audio.join import normalize_segment
from actors.audio.segment import SAMPLES_PER_MS
from actors.audio.wav import BYTES_PER_SAMPLE, HEAD_BYTES
from actors.providers import PROVIDERS
from actors.providers.provider import Line
from actors.speech_rates import counted
from tests.listen.sentences import SENTENCES
from tests.standins.settings import settings_of

VOICES = {
    "espeak": {"zh-TW": ("cmn", "cmn+f2", "cmn+m3"), "en-US": ("en-us", "en-us+f2", "en-us+m3")},
    "kokoro": dict.fromkeys(SENTENCES, ("man-deep", "woman-calm", "girl")),
}
PATIENCE_S = 600.0
#: Sentences of one length do not tell these from letters.
MARK_MS, LINE_MS = 300.0, 100.0


def main() -> int:
    """Print the rates of a provider, and how far each voice and language is from them."""
    parser = argparse.ArgumentParser(prog="python -m tests.listen.rates", description=__doc__)
    parser.add_argument("provider", choices=VOICES)
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--voices", type=int, default=3)
    arguments = parser.parse_args()
    heard = list(spoken(arguments.provider, arguments.sentences, arguments.voices))
    counts = np.array([astuple(counted(text)) for _, _, text, _ in heard], float)
    lengths = np.array([length_ms for *_, length_ms in heard])
    fitted = np.array([0.0, 0.0, 0.0, MARK_MS, LINE_MS])
    fitted[:2] = np.linalg.lstsq(counts[:, :2], lengths - counts @ fitted, rcond=None)[0]
    sys.stdout.write(f"{arguments.provider}: {[round(float(rate), 1) for rate in fitted]}\n")
    for voice_id, language in dict.fromkeys((voice, language) for voice, language, *_ in heard):
        those = [n for n, (voice, lang, *_) in enumerate(heard) if (voice, lang) == (voice_id, language)]
        share = float((counts[those] @ fitted).sum() / lengths[those].sum())
        sys.stdout.write(f"  {voice_id} {language}: estimated {share:.3f} of what was heard\n")
    return 0


def spoken(name: str, sentences: int, voices: int) -> Iterator[tuple[str, str, str, float]]:
    """(voice, language, text, milliseconds)."""
    with (
        tempfile.TemporaryDirectory() as directory,
        closing(PROVIDERS[name](settings_of({"DATA_DIR": directory}))) as one,
    ):
        for language, named in VOICES[name].items():
            texts: Sequence[str] = SENTENCES[language][:sentences]
            for voice_id in named[:voices]:
                for text in texts:
                    segment = normalize_segment(one.speak(Line(text, voice_id, language), PATIENCE_S), text=text)
                    samples = (len(segment) - HEAD_BYTES) // BYTES_PER_SAMPLE
                    yield voice_id, language, text, samples / SAMPLES_PER_MS


if __name__ == "__main__":
    sys.exit(main())
