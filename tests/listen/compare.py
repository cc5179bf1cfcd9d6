"""What was heard against what was said: how many characters (Chinese) or words (else) are wrong.

Only what cannot be heard is made alike first, on both sides: marks and capitals; traditional and simplified
characters; figures (`2`, `two`; `3`, `三`) and 兩 for 二; characters of one sound that a sentence alone tells apart
(他 她 它, 的 得 地). Every other homophone counts as an error, as does a wrong tone that makes another word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from opencc import OpenCC

from actors.speech.chinese_numbers import cardinal

_SAME_SOUND = str.maketrans("她它妳們地得著裡兩", "他他你们的的着里二")
_ENGLISH = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_NUMBER = re.compile(r"\d+")


def error(said: str, heard: str, language: str) -> float:
    """The share of units that were heard wrongly; 1 is nothing right."""
    wanted, got = units(said, language), units(heard, language)
    return min(1.0, _edits(wanted, got) / max(1, len(wanted)))


def units(text: str, language: str) -> Sequence[str]:
    """The characters or words that are compared."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum() or c.isspace() or c == "'")
    if language.startswith("zh"):
        in_words = _NUMBER.sub(lambda number: cardinal(number[0]), plain).translate(_SAME_SOUND)
        return re.findall(r"\w", _simplified().convert(in_words).translate(_SAME_SOUND))
    return _NUMBER.sub(_in_english, plain).split()


def _in_english(number: re.Match[str]) -> str:
    value = int(number[0])
    return _ENGLISH[value] if value < len(_ENGLISH) else number[0]


@cache
def _simplified() -> OpenCC:
    return OpenCC("tw2s")


def _edits(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Levenshtein's distance."""
    row = list(range(len(got) + 1))
    for place, one in enumerate(wanted, 1):
        before, row[0] = row[0], place
        for column, other in enumerate(got, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (one != other))
    return row[-1]
