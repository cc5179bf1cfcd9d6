"""What stands around and before a line: `> - 3. **小美：** 你好` is `小美：你好`. No line knows another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from actors.providers.delivery import is_style_word
from service.requests.script.dialogue import ChangeKind
from service.requests.script.emphasis import deeds_in_brackets, without_emphasis, without_links, without_tags
from service.requests.script.lines import EDGE, Line
from service.requests.script.plain import speaker_and_text
from service.requests.script.times import without_time

#: A line begins with it: it is read as it stands, without it.
ESCAPE: Final = "\\"

_QUOTE: Final = re.compile(r"(?:>[ \t]{0,3}){1,20}")
_BULLET: Final = re.compile(r"(?:[-*+–—·‧・][ \t\u3000]+|[•●○◦▪■□◆◇►▶→][ \t\u3000]*)(?:\[[ xX]\][ \t]+)?")
_NUMBER: Final = re.compile(
    r"(?:[(（\[［【]\d{1,4}[)）\]］】]|\d{1,4}[.)、．）](?!\d)|[\u2460-\u2473]|#\d{1,4}\b)[ \t\u3000]*+(?![:：])"
)
_HEADING: Final = re.compile(r"(#{1,6})[ \t\u3000](.*)", re.DOTALL)
_DIVIDER_SIGNS: Final = frozenset("-*_=—─━＝－＊◇◆")
_BRACKETS: Final = {"(": ")", "（": "）", "[": "]", "［": "］", "【": "】", "〔": "〕", "〈": "〉"}
#: The brackets of directions: `actors/directions.py`.
_SPOKEN_BRACKETS: Final = frozenset(")）]］】")
#: What a director says with a line of its own: it is for whoever speaks, not left out.
_PAUSE: Final = re.compile(r"\[pause [0-9.]{1,8} ?m?s\]", re.IGNORECASE)
#: What Markdown scripts say of themselves, where others say who speaks.
_METADATA: Final = frozenset(
    ["標題", "劇名", "題目", "作者", "編劇", "場景", "場次", "時間", "地點", "人物", "角色", "登場人物", "背景"]
) | {
    *("背景音樂", "音效", "音樂", "字幕", "鏡頭", "備註", "說明"),
    *("title", "author", "scene", "setting", "characters", "cast", "location", "time", "date"),
    *("sfx", "bgm", "sound", "music", "note", "notes"),
}


class Shape(StrEnum):
    """How a line without a colon stands out: it may be a name above its words."""

    HEADING = "heading"
    BOLD = "bold"
    BRACKET = "bracket"
    NONE = "none"


@dataclass(slots=True)
class Bare:
    """A line without what stood around it.

    `left_out`: nothing of it is spoken. `as_it_stands`: it was marked so. `depth`: of a heading.
    """

    line: Line
    text: str
    shape: Shape = Shape.NONE
    depth: int = 0
    has_time: bool = False
    left_out: ChangeKind | None = None
    as_it_stands: bool = False
    changes: list[tuple[ChangeKind, str, str]] = field(default_factory=list[tuple[ChangeKind, str, str]])

    def becomes(self, text: str, kind: ChangeKind) -> None:
        """The line is now this."""
        text = text.strip(EDGE)
        if text != self.text:
            self.changes.append((kind, self.text, text))
            self.text = text

    def leaves(self, kind: ChangeKind) -> None:
        """The line is left out."""
        self.left_out = kind


def bare_of(line: Line, *, is_timed: bool) -> Bare:
    """The line without what stands around it. `is_timed`: lines of this text begin with times."""
    bare = Bare(line, line.text)
    if not line.text:
        return bare
    if line.text.startswith(ESCAPE):
        bare.as_it_stands = True
        bare.becomes(line.text[1:], ChangeKind.ESCAPE)
    elif _is_divider(line.text) or line.text.startswith("```"):
        bare.leaves(ChangeKind.DIVIDER)
    else:
        _undress(bare, is_timed=is_timed)
    return bare


def _undress(bare: Bare, *, is_timed: bool) -> None:
    _take_before(bare, _QUOTE, ChangeKind.QUOTE)
    heading = _HEADING.fullmatch(bare.text)
    if heading is not None:
        bare.shape, bare.depth = Shape.HEADING, len(heading[1])
        bare.becomes(heading[2].rstrip("#"), ChangeKind.HEADING)
    for _ in range(2):  # `- 3. ` and `3. - `
        _take_before(bare, _BULLET, ChangeKind.BULLET)
        _take_before(bare, _NUMBER, ChangeKind.NUMBER)
    bare.becomes(without_tags(bare.text), ChangeKind.TAG)
    bare.becomes(without_links(bare.text), ChangeKind.LINK)
    if is_timed:
        rest = without_time(bare.text)
        bare.has_time = rest is not None
        bare.becomes(bare.text if rest is None else rest, ChangeKind.TIMECODE)
    marked = bare.text
    bare.becomes(without_emphasis(deeds_in_brackets(marked)), ChangeKind.EMPHASIS)
    if speaker_and_text(bare.text) is None:
        _look_at_shape(bare, marked)


def _take_before(bare: Bare, mark: re.Pattern[str], kind: ChangeKind) -> None:
    """Takes a mark away where it stands before a name or a direction; elsewhere it belongs to the words."""
    found = mark.match(bare.text)
    if found is None:
        return
    rest = bare.text[found.end() :]
    if _BULLET.match(rest):
        bare.becomes(rest, kind)
        return
    plain = without_emphasis(without_tags(rest))
    is_quote = kind is ChangeKind.QUOTE and (not rest or found[0][-1] in " \t")
    if is_quote or plain != rest or speaker_and_text(plain) or is_direction(plain):
        bare.becomes(rest, kind)


def _look_at_shape(bare: Bare, marked: str) -> None:
    if bare.shape is Shape.NONE and is_direction(bare.text):
        bare.shape = Shape.BRACKET if bare.text[0] in "[［【" else Shape.NONE
        bare.leaves(ChangeKind.DIRECTION)
    elif bare.shape is Shape.NONE and marked != bare.text and is_around(marked, "**", "__"):
        bare.shape = Shape.BOLD
    elif bare.shape is Shape.NONE and marked != bare.text and is_around(marked, "*", "_"):
        bare.leaves(ChangeKind.DIRECTION)


def is_around(text: str, *marks: str) -> bool:
    """Whether one of the marks stands at both ends, and nowhere between."""
    return any(
        len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark) and text.count(mark) == 2
        for mark in marks
    )


def is_direction(text: str) -> bool:
    """Whether it is one pair of brackets with words in it, or music; a pause is for the speaker."""
    text = text.rstrip("。.")
    if text[:1] in {"♪", "♫", "🎵", "🎶"}:
        return True
    closing = _BRACKETS.get(text[:1])
    inner = text[1:-1]
    if closing is None or not inner or not text.endswith(closing) or _PAUSE.fullmatch(text):
        return False
    return closing not in inner and text[0] not in inner


def is_style(text: str) -> bool:
    """Whether it is one pair of brackets with the word for a style in it: that is for whoever speaks, too."""
    return is_direction(text) and is_style_word(text.rstrip("。.")[1:-1])


def literally(text: str) -> str:
    """A direction as it is written to be read aloud: its brackets are text behind a backslash."""
    return f"\\{text[:-1]}\\{text[-1]}" if is_direction(text) and text[-1] in _SPOKEN_BRACKETS else text


def is_pause(text: str) -> bool:
    """Whether it is a pause and nothing else."""
    return _PAUSE.fullmatch(text) is not None


def is_metadata(name: str) -> bool:
    """Whether what stands before a colon is no speaker but says something of the script."""
    return name.casefold() in _METADATA


def _is_divider(text: str) -> bool:
    if text[0] not in _DIVIDER_SIGNS:
        return False
    signs = set(text) - {" "}
    return len(signs) == 1 and signs <= _DIVIDER_SIGNS and text.count(next(iter(signs))) >= 3


def changes_of(bare: Bare) -> Iterator[tuple[ChangeKind, str, str]]:
    """What was done to the line: when it is left out, that alone."""
    if bare.left_out is not None:
        yield bare.left_out, bare.line.text, ""
    else:
        yield from bare.changes
