"""Which bytes of a file a `Range` header asks for (RFC 9110, 14.2). Pure: knows no job and no store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: A number of more digits is of no file.
_ONE: Final = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` to `end`, both included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.end - self.start + 1


class RangeNotSatisfiable(Exception):
    """The header cannot be read, or asks for nothing that is there."""


def wanted_range(header: str | None, size: int) -> ByteRange | None:
    """The part of `size` bytes that is asked for; None: the whole.

    Several ranges at once and units other than bytes count as not sent, as the RFC allows. A range that cannot be read
    could count so too; the contract has it refused.

    Raises:
        RangeNotSatisfiable: there is no such part.
    """
    if header is None:
        return None
    unit, _, ranges = header.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    wanted = [_one(part.strip(), size) for part in ranges.split(",") if part.strip()]
    if not wanted or not any(wanted):
        raise RangeNotSatisfiable(header)
    return wanted[0] if len(wanted) == 1 else None


def _one(text: str, size: int) -> ByteRange | None:
    """`a-b`, `a-` or `-n`; None when none of it is there."""
    match = _ONE.fullmatch(text)
    if match is None or text == "-":
        raise RangeNotSatisfiable(text)
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            raise RangeNotSatisfiable(text)
    return ByteRange(start, end) if start <= end else None
