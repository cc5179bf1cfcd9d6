"""How long a text takes to be spoken, estimated before anybody has spoken it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Final

from actors.providers.provider import Line


@dataclass(frozen=True, slots=True)
class Counts:
    """What of a line takes time: wide letters (Chinese, Japanese, Korean), narrow ones, digits, marks that divide it,
    and the line itself."""

    wide: int
    narrow: int
    digits: int
    marks: int
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Rates:
    """Milliseconds of each of `Counts`."""

    wide: float
    narrow: float
    digit: float
    mark: float
    line: float


#: Within a line: behind its last letter there is nothing to divide.
_MARKS: Final = frozenset(",;:.!?，、；：。！？…")

#: Measured on 2026-11-28 by `python -m tests.listen.rates` in three voices of each, kokoro in fewer sentences than
#: espeak, and rounded. Digits are espeak's. How near they come is held by `tests/integration/test_speech_rates.py`.
RATES: Final[Mapping[str, Rates]] = {
    "espeak": Rates(wide=237, narrow=60, digit=330, mark=300, line=100),
    "kokoro": Rates(wide=240, narrow=68, digit=330, mark=300, line=0),
}
#: Of vendors that nobody could measure here: something between the two.
OTHER_RATES: Final = Rates(wide=230, narrow=65, digit=330, mark=300, line=50)


def counted(text: str) -> Counts:
    """What of a text takes time."""
    wide = narrow = digits = marks = 0
    last = max((at for at, character in enumerate(text) if character.isalnum()), default=0)
    for at, character in enumerate(text):
        if character.isdigit():
            digits += 1
        elif character.isalpha():
            if unicodedata.east_asian_width(character) in "WF":
                wide += 1
            else:
                narrow += 1
        elif character in _MARKS and at < last:
            marks += 1
    return Counts(wide, narrow, digits, marks)


def estimated_ms(provider: str, line: Line) -> int:
    """How long a line takes a provider's voices, in milliseconds."""
    rates = RATES.get(provider, OTHER_RATES)
    usual_ms = sum(count * rate for count, rate in zip(astuple(counted(line.text)), astuple(rates), strict=True))
    return round(usual_ms / line.speed)
