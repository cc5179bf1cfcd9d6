"""Times before a line: of transcripts, and of chats that were exported with the date of each message."""

from __future__ import annotations

import re
from typing import Final

_CLOCK: Final = r"\d{1,2}[:：]\d{2}(?:[:：]\d{2})?(?:[.,]\d{1,3})?"
_HALF: Final = r"(?:上午|下午|凌晨|早上|中午|晚上|AM|PM|am|pm|a\.m\.|p\.m\.)"
_DATE: Final = r"(?:\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}|\d{1,4}年\d{1,2}月\d{1,2}日)"
#: `00:12 `, `[00:00:12.500] `, `(1:05) - `, `00:12 --> 00:15 `, `[2024/3/1 下午3:05:10] `, `3/1/24, 3:05 PM - `.
_TIME: Final = re.compile(
    rf"\u200e?[\[(（【<]?\s?(?:{_DATE},?\s{{0,2}})?(?:{_HALF}\s?)?{_CLOCK}(?:\s?{_HALF})?"
    rf"(?:\s?(?:-->|->|[-–—~→])\s?{_CLOCK})?\s?[\])）】>]?\s{{0,3}}(?:[-–—|｜]\s{{0,3}})?"
)
_DATED: Final = re.compile(rf"\u200e?[\[(（【<]?\s?{_DATE}")
_WEEKDAY: Final = (
    r"(?:[（(]?(?:星期|週|周)?[一二三四五六日][）)]?|[（(]?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}[）)]?)"
)
_ONLY_A_DATE: Final = re.compile(rf"(?:{_WEEKDAY},?\s{{0,3}})?{_DATE}\s{{0,3}}(?:{_WEEKDAY})?", re.IGNORECASE)
_BEHIND_A_NAME: Final = re.compile(rf"\s{{0,5}}[\[(（【]?(?:{_HALF}\s?)?{_CLOCK}(?:\s?{_HALF})?[\])）】]?")
#: No name with a time behind it is longer, in characters.
_LOOKED_AT: Final = 80


def without_time(line: str) -> str | None:
    """What stands behind the time with which a line begins; None where it begins with none."""
    found = _TIME.match(line)
    return None if found is None else line[found.end() :].lstrip(" \t:：")


def begins_with_a_date(line: str) -> bool:
    """Whether a line begins as a message of a chat does, or is nothing but a date."""
    return _DATED.match(line) is not None or is_date(line)


def is_date(line: str) -> bool:
    """Whether it is a date and nothing else."""
    return _ONLY_A_DATE.fullmatch(line) is not None


def name_before_time(line: str) -> str | None:
    """The name of a line that is a name and a time, `小美  00:12`; None for all others."""
    if len(line) > _LOOKED_AT or not any(map(str.isdigit, line)):
        return None
    for at in range(1, len(line)):
        if not line[at - 1].isspace() and _BEHIND_A_NAME.fullmatch(line, at):
            name = line[:at]
            # `明天 10:30` is two words; `3 10:30` no name. That it has a space or a bracket before the time tells it.
            return name if line[at] in " \t\u3000[(（【" and not name.isdigit() else None
    return None
