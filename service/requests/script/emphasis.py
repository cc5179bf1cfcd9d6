"""Marks around words: `**bold**`, `_italic_`, `` `code` ``, `~~struck~~`, and the few tags that people write in a text.

Not by a Markdown library: CommonMark does not take `**小美：**你好` for bold, as no space stands behind the colon, and
that is how most Chinese scripts are written. docs/decisions/0014-the-readers-grammar-is-ours.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from actors.directions import is_stage_direction

_MARKS: Final = re.compile(r"\*{1,3}|_{1,3}|~~|`{1,3}")
_SIGNS: Final = re.compile(r"[*_~`]")
#: Marks that are told from arithmetic and names in code by what stands beside them: `2*3*4`, `snake_case`.
_TIMID: Final = frozenset({"*", "_", "__", "___", "**", "***"})
_TAG: Final = re.compile(r"</?(?:b|i|u|s|em|strong|small|mark|span|font|p|div|br)(?:\s[^<>]{0,200})?/?>", re.IGNORECASE)
#: `[words](https://example.org)`, `![a picture](picture.png)`, `【4†source】`.
_LINK: Final = re.compile(r"\[([^\[\]]{1,200})\]\([^()\s]{1,500}\)")
_PICTURE: Final = re.compile(r"!\[[^\[\]]{0,200}\]\([^()\s]{1,500}\)")
_SOURCE: Final = re.compile(r"【\d{1,4}†[^】]{0,50}】")
_DEED: Final = re.compile(r"(?<![*_\w])[*_]([^*_]{1,40})[*_](?![*_\w])")


def without_emphasis(line: str) -> str:
    """The words without pairs of marks around them; a mark that has no partner stays."""
    if not _SIGNS.search(line):
        return line
    gone: list[tuple[int, int]] = []
    opened: dict[str, tuple[int, int]] = {}
    for mark in _MARKS.finditer(line):
        sign = mark[0]
        if sign in opened and _may_close(line, mark):
            gone += [opened.pop(sign), mark.span()]
        elif _may_open(line, mark):
            opened[sign] = mark.span()
    return "".join(_kept(line, sorted(gone)))


def without_tags(line: str) -> str:
    """The words without `<b>`, `</b>`, `<br>` and the like."""
    return _TAG.sub("", line) if "<" in line else line


def without_links(line: str) -> str:
    """The words of Markdown links without their addresses; without pictures and marks of sources."""
    if "](" in line:
        line = _LINK.sub(r"\1", _PICTURE.sub("", line))
    return _SOURCE.sub("", line) if "†" in line else line


def deeds_in_brackets(line: str) -> str:
    """`*sighs*` is `(sighs)`: what an actor does, and nobody reads aloud."""
    return _DEED.sub(_in_brackets, line)


def _in_brackets(deed: re.Match[str]) -> str:
    return f"({deed[1]})" if is_stage_direction(deed[1]) else deed[0]


def _kept(line: str, gone: list[tuple[int, int]]) -> Iterator[str]:
    at = 0
    for begin, end in gone:
        yield line[at:begin]
        at = end
    yield line[at:]


def _may_open(line: str, mark: re.Match[str]) -> bool:
    before, after = line[max(mark.start() - 1, 0) : mark.start()], line[mark.end() : mark.end() + 1]
    return bool(after.strip()) and not (mark[0] in _TIMID and _is_word(before, mark[0]))


def _may_close(line: str, mark: re.Match[str]) -> bool:
    before, after = line[max(mark.start() - 1, 0) : mark.start()], line[mark.end() : mark.end() + 1]
    return bool(before.strip()) and not (mark[0] in _TIMID and _is_word(after, mark[0]))


def _is_word(beside: str, sign: str) -> bool:
    """Whether a mark beside this character belongs to a word or a number: for `**` numbers alone, as in `2**3**4`."""
    return beside.isascii() and (beside.isdigit() if sign in {"**", "***"} else beside.isalnum())
