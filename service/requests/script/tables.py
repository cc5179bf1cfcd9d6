"""Rows of a Markdown table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from service.requests.script.emphasis import without_emphasis
from service.requests.script.lines import EDGE

_RULE_SIGNS: Final = frozenset("|-: ")
_NUMBER: Final = re.compile(r"\d{1,4}[.)]?")


def is_rule(line: str) -> bool:
    """Whether it is the line below a table's head: `|---|:--|`."""
    return line.count("|") >= 1 and "--" in line and set(line) <= _RULE_SIGNS


def cells_of(line: str) -> Sequence[str]:
    """What the cells of a row hold, without their number; empty for a line that is no row."""
    if "|" not in line:
        return []
    cells = [without_emphasis(cell).strip(EDGE) for cell in line.strip("|").split("|")]
    return cells[1:] if _NUMBER.fullmatch(cells[0]) else cells
