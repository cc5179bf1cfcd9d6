"""A text as numbered lines, without the space around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_LINE_END: Final = re.compile("\r\n|[\n\r\u2028\u2029]")
#: Around a line: white space, full-width spaces too, and the mark that some editors put before a text.
EDGE: Final = " \t\v\f\u00a0\u3000\ufeff"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text: its number, 1-based, and its words without the space around them."""

    number: int
    text: str


def lines_of(text: str, at_most: int) -> Iterator[Line]:
    """The first lines, empty ones too."""
    for number, line in enumerate(_LINE_END.split(text, maxsplit=at_most)[:at_most], start=1):
        yield Line(number, line.strip(EDGE))


def next_is_text(lines: Sequence[Line], at: int) -> bool:
    """Whether the line below is there and not empty."""
    return at + 1 < len(lines) and bool(lines[at + 1].text)
