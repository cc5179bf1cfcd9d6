"""English as the model's phonemes, by the phonemizer of hibari-tts: a lexicon, a tagger, a small net for new words.

The one place that knows that library, which has no types. Its own voice is not used. Loaded at the first use: 100 MB.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from functools import cache
from typing import Final

from hibari.g2p import G2P

#: The letter's name, not the article.
_LETTER_A: Final = "ˈA"

#: A as a letter inside a sentence: `Plan A.`, `vitamin A is`; not `This Is A Title`.
_A_AS_LETTER: Final = re.compile(r"(?<=[^\s.!?] )A(?=[^\w\s]|$| [a-z])")

#: A longer word is read in parts: the library's time grows with the cube of its length.
_PART_OF_WORD: Final = re.compile(r"\S{40}")

#: The library's markup for phonemes in a text: a user's brackets are brackets. It knows no Chinese marks.
_PLAIN: Final = str.maketrans(
    {
        **dict(zip("[]{}|\\^（）", "()()   ()", strict=True)),
        **{mark: f"{plain} " for mark, plain in zip("，、。！？：；", ",,.!?:;", strict=True)},
        **dict.fromkeys("「『《〈", " “"),
        **dict.fromkeys("」』》〉", "” "),
    }
)

#: `C#` is C sharp; SOP is spelled, the lexicon has a word.
_SAID_OTHERWISE: Final = ((re.compile(r"\b([A-G])#"), r"\1 sharp"), (re.compile(r"\bSOP(?=s?\b)"), "S.O.P."))


def english_phonemes(text: str) -> str:
    """A sentence or a few words. Numbers, dates, money and abbreviations are read as English."""
    words = _PART_OF_WORD.sub(r"\g<0> ", text.translate(_PLAIN)).strip()
    for written, said_as in _SAID_OTHERWISE:
        words = written.sub(said_as, words)
    if words in {"A", "a"}:
        return _LETTER_A
    said: str = _g2p()(_A_AS_LETTER.sub(f"[A](/{_LETTER_A}/)", words))
    return said


@cache
def _g2p() -> G2P:
    return G2P()
