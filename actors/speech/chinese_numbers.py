"""Numbers in Chinese characters, as they are said in Taiwan: 兩百, 一萬兩千, 三點一四, 零二."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_DIGITS: Final = "零一二三四五六七八九"
_PLACES: Final = ("", "十", "百", "千")
_GROUPS: Final = ("", "萬", "億", "兆", "京")

#: Digits that the groups above can name; a longer number is spelled.
MAX_DIGITS: Final = 20


def spelled(digits: str) -> str:
    """Digit by digit: `0912` is 零九一二."""
    return "".join(_DIGITS[int(digit)] for digit in digits)


def cardinal(digits: str, *, before_measure: bool = False) -> str:
    """A whole number: `1200` is 一千兩百. `before_measure`: a lone 2 is 兩, as before a measure word."""
    digits = digits.lstrip("0") or "0"
    if len(digits) > MAX_DIGITS:
        return spelled(digits)
    if digits == "0":
        return "零"
    said = "".join(_said_groups(digits))
    if said == "二" and before_measure:
        return "兩"
    return said


def decimal(number: str, *, before_measure: bool = False) -> str:
    """A number with or without a fraction: `3.14` is 三點一四."""
    whole, _, fraction = number.partition(".")
    if not fraction:
        return cardinal(whole, before_measure=before_measure)
    return f"{cardinal(whole)}點{spelled(fraction)}"


def _said_groups(digits: str) -> Iterator[str]:
    groups = [digits[max(0, end - 4) : end] for end in range(len(digits), 0, -4)][::-1]
    silent = False
    for place, group in enumerate(groups):
        value = int(group)
        if value == 0:
            silent = True
            continue
        if place and (silent or group.startswith("0")):
            yield "零"
        silent = False
        unit = _GROUPS[len(groups) - 1 - place]
        yield "兩" + unit if value == 2 and unit else _said_group(group.lstrip("0"), first=place == 0) + unit


def _said_group(group: str, *, first: bool) -> str:
    """Up to four digits without leading zeros."""
    said = ""
    gap = False
    for place, digit in zip(range(len(group) - 1, -1, -1), group, strict=True):
        if digit == "0":
            gap = True
            continue
        if gap:
            said += "零"
            gap = False
        said += _said_digit(digit, place) + _PLACES[place]
    # 十五, not 一十五, where nothing comes before it.
    return said.removeprefix("一") if first and len(group) == 2 and group[0] == "1" else said


def _said_digit(digit: str, place: int) -> str:
    return "兩" if digit == "2" and place >= 2 else _DIGITS[int(digit)]
