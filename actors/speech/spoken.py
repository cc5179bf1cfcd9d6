"""From a turn's text to what the model speaks: phonemes, in pieces that it can take at once, with the pauses between.

The language says how digits, signs and Chinese characters are read; Latin letters are read as English, kana as
Japanese, in every language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from actors.speech.chinese_writing import said_in_chinese
from actors.speech.english import english_phonemes
from actors.speech.japanese import kana_phonemes
from actors.speech.mandarin import read_mandarin
from actors.speech.pinyin import NotPinyin, phonemes_of_syllable
from actors.speech.runs import (
    Kind,
    Run,
    has_han,
    has_kana,
    has_latin,
    in_half_width,
    runs,
    sentences,
    with_addresses_said,
)

#: Silence behind a sentence, a line, and a part of a sentence that is too long to be spoken at once.
SENTENCE_PAUSE_MS: Final = 300
LINE_PAUSE_MS: Final = 500
PART_PAUSE_MS: Final = 120

_DOTS: Final = {"zh": "點", "ja": "ドット"}

#: Where a sentence that is too long may be cut, the best first.
_PART_ENDS: Final = (re.compile(r"(?<=[;:—…])\s"), re.compile(r"(?<=[,)”])\s"), re.compile(r"\s"))

#: A mark that nothing stands before, or that only opens and closes.
_EMPTY_BRACKETS: Final = re.compile(r"\(\s*\)|“\s*”")


@dataclass(frozen=True, slots=True)
class Piece:
    """What the model speaks at once, and the silence behind it."""

    phonemes: str
    pause_ms: int


def pieces(text: str, language: str, limit: int) -> Sequence[Piece]:
    """A turn in pieces of at most `limit` phonemes; none behind the last is silent. Empty when nothing can be read.

    `language` is a BCP 47 tag; `zh-TW`, or Chinese of no region, is read as in Taiwan.
    """
    spoken: list[Piece] = []
    for sentence in spoken_sentences(text, language):
        phonemes = sentence_phonemes(sentence, language)
        if not any(character.isalpha() for character in phonemes):
            continue
        ends_line = sentence.endswith("\n")
        parts = list(_parts(phonemes, limit))
        if spoken and spoken[-1].pause_ms == SENTENCE_PAUSE_MS and len(parts) == 1:
            joined = f"{spoken[-1].phonemes} {phonemes}"
            if len(joined) <= limit:
                parts = [joined]
                spoken.pop()
        spoken += [Piece(part, PART_PAUSE_MS) for part in parts[:-1]]
        spoken.append(Piece(parts[-1], LINE_PAUSE_MS if ends_line else SENTENCE_PAUSE_MS))
    if spoken:
        spoken[-1] = Piece(spoken[-1].phonemes, 0)
    return spoken


def spoken_sentences(text: str, language: str) -> Iterator[str]:
    """The sentences of a turn, in plain signs, and addresses as one says them."""
    yield from sentences(with_addresses_said(in_half_width(text), _DOTS.get(_base(language), "dot")))


def sentence_phonemes(sentence: str, language: str) -> str:
    """One sentence in the model's alphabet."""
    return _tidy("".join(_said(run, language) for run in spoken_runs(sentence, language)))


def spoken_runs(sentence: str, language: str) -> Sequence[Run]:
    """One sentence in runs of one script, its figures and signs in words where they are said in Chinese."""
    base = _base(language)
    if has_han(sentence) and base != "ja":
        return runs(said_in_chinese(sentence))
    if has_kana(sentence) or base == "ja" or (base == "zh" and not has_latin(sentence)):
        return runs(said_in_chinese(sentence))
    # A sentence of English, in whatever script it stands, has English numbers.
    return [Run(Kind.LATIN, sentence)]


def _said(run: Run, language: str) -> str:
    match run.kind:
        case Kind.MARKS:
            return run.text
        case Kind.LATIN:
            return f" {english_phonemes(run.text)} "
        case Kind.KANA:
            return f" {kana_phonemes([run.text])} "
        case Kind.HAN:
            return f" {_mandarin(run.text, taiwan=_region(language) in {'', 'tw'})} "


def _mandarin(text: str, *, taiwan: bool) -> str:
    words = ("".join(_syllables(word.syllables)) for word in read_mandarin(text, taiwan=taiwan))
    return " ".join(filter(None, words))


def _syllables(syllables: Sequence[str]) -> Iterator[str]:
    for syllable in syllables:
        try:
            yield phonemes_of_syllable(syllable)
        except NotPinyin:
            continue  # a dialect's sound in the dictionary of some rare character


def _parts(phonemes: str, limit: int) -> Iterator[str]:
    """`phonemes` cut into parts of at most `limit`, at the best places there are."""
    rest = phonemes
    while len(rest) > limit:
        head = rest[: limit + 1]
        cut = next((place for ends in _PART_ENDS if (place := _last(ends, head)) > limit // 3), limit)
        yield rest[:cut].strip()
        rest = rest[cut:].strip()
    if rest:
        yield rest


def _last(ends: re.Pattern[str], head: str) -> int:
    return max((match.start() for match in ends.finditer(head)), default=0)


def _tidy(phonemes: str) -> str:
    """One space between words, none before a mark, no mark where nothing was said."""
    tidy = re.sub(r"\s+", " ", _EMPTY_BRACKETS.sub(" ", phonemes))
    tidy = re.sub(r" (?=[,.!?:;…)”])", "", tidy)
    tidy = re.sub(r"(?<=[(“]) ", "", tidy)
    tidy = re.sub(r"([,:;])(?: ?[,:;])+", r"\1", tidy)
    return tidy.strip().lstrip(",.:;) ")


def _base(language: str) -> str:
    base = language.lower().split("-")[0]
    return {"cmn": "zh"}.get(base, base)


def _region(language: str) -> str:
    tags = language.lower().split("-")[1:]
    if "hans" in tags:
        return "cn"
    return next((tag for tag in tags if len(tag) == 2), "")
