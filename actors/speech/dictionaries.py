"""The dictionaries that Mandarin is read with: which characters form a word, and how each is read.

The one place that knows rjieba (words), OpenCC (traditional to simplified, in which the other two think) and pypinyin
(readings). Not all of them has types that pyright knows. Together they take 90 MB.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import rjieba
from opencc import OpenCC
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
from pypinyin.contrib.tone_convert import to_tone3


def simplified(text: str) -> str:
    """`text` in simplified characters, one for each of its own."""
    converted = _converter().convert(text)
    return converted if len(converted) == len(text) else "".join(map(_simplified_character, text))


def words(text: str) -> Sequence[str]:
    """Simplified Chinese, cut into words."""
    cut: list[str] = rjieba.cut(text)
    return cut


@cache
def reading_of_phrase(phrase: str) -> Sequence[str] | None:
    """The syllables of a phrase whose characters are not read as by themselves; None where there is no entry."""
    entry = PHRASES_DICT.get(phrase)
    return None if entry is None else tuple(_numbered(syllables[0]) for syllables in entry)


@cache
def readings_of_character(character: str) -> Sequence[str]:
    """Every reading of a character, the commonest first; empty where none is known."""
    entry = PINYIN_DICT.get(ord(character))
    return () if entry is None else tuple(_numbered(syllable) for syllable in entry.split(","))


@cache
def _converter() -> OpenCC:
    return OpenCC("tw2s")


def _simplified_character(character: str) -> str:
    converted = _converter().convert(character)
    return converted if len(converted) == 1 else character


def _numbered(syllable: str) -> str:
    """`hǎo` as `hao3`; `de` as `de5`."""
    return to_tone3(syllable, neutral_tone_with_five=True)
