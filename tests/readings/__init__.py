"""Sentences and syllables with the readings that are expected, and how a reading is written down."""

from __future__ import annotations

from collections.abc import Iterator

from actors.speech.english import english_phonemes
from actors.speech.japanese import kana_phonemes
from actors.speech.mandarin import read_mandarin
from actors.speech.runs import Kind, Run
from actors.speech.spoken import spoken_runs, spoken_sentences


def reading(text: str, language: str) -> str:
    """Pinyin with tones as they are spoken for Chinese, phonemes between strokes for the rest; marks are left out."""
    return " ".join(
        part
        for sentence in spoken_sentences(text, language)
        for run in spoken_runs(sentence, language)
        for part in _read(run)
    )


def _read(run: Run) -> Iterator[str]:
    match run.kind:
        case Kind.HAN:
            for word in read_mandarin(run.text, taiwan=True):
                yield from word.syllables
        case Kind.LATIN:
            yield f"/{english_phonemes(run.text)}/"
        case Kind.KANA:
            yield f"/{kana_phonemes([run.text])}/"
        case Kind.MARKS:
            pass
