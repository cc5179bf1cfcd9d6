"""The format of our own: `A: 你好`, `[Host]: Hello`, as it stands. How all formats tell a name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from service.requests.schemas import MAX_SPEAKER_LENGTH
from service.requests.script.lines import EDGE, Line
from service.requests.script.reading import Reading
from storage.jobs import Turn

#: A name in brackets may hold anything but brackets.
_IN_BRACKETS: Final = re.compile(r"(?:\[([^\[\]]*)\]|［([^［］]*)］|【([^【】]*)】)\s*[:：](.*)", re.DOTALL)
#: A bare name holds nothing that ends or divides a sentence: `他說，記住：` is no speaker.
_BARE: Final = re.compile(r"([^:：，。！？；、,!?;「」『』“”\"\[\]［］【】]*)([:：])(.*)", re.DOTALL)

#: A name that no reader takes for anything else; every other one is written in brackets.
_BARE_NAME: Final = re.compile(r"[^\W\d_][\w .'’·・&-]*(?<!\d)")


def read_plain(lines: Iterable[Line]) -> Reading:
    """Read a script.

    A turn begins with its speaker and a colon, half or full width. Lines right below that name nobody go on with it;
    after an empty line somebody must be named again. The first colon counts unless it is one of a time (`12:30`) or of
    an address (`http://`).
    """
    reading = Reading(patient=False)
    for line in lines:
        if reading.has_enough:
            break
        read_line(reading, line)
    return reading


def read_line(reading: Reading, line: Line) -> None:
    """The next line of a script, taken as it stands."""
    named = speaker_and_text(line.text)
    if not line.text:
        reading.pause()
    elif named is None:
        reading.go_on(line.number, line.text)
    else:
        reading.begin(line.number, *named)


def speaker_and_text(line: str) -> tuple[str, str] | None:
    """Who speaks and what, or None for a line that names nobody."""
    if ":" not in line and "：" not in line:
        return None
    bracketed = _IN_BRACKETS.fullmatch(line)
    if bracketed is not None:
        name = next(group for group in bracketed.groups()[:3] if group is not None)
        return name.strip(EDGE), bracketed[4].strip(EDGE)
    bare = _BARE.fullmatch(line)
    if bare is None:
        return None
    name, text = bare[1].strip(EDGE), bare[3]
    if _is_time(bare[1], text) or text.startswith("//") or len(name) > MAX_SPEAKER_LENGTH:
        return None
    return name, text.strip(EDGE)


def line_of(turn: Turn) -> str:
    """A turn as a script has it, its line end too."""
    name = turn.speaker if _BARE_NAME.fullmatch(turn.speaker) else f"[{turn.speaker}]"
    first, *others = turn.text.split("\n")
    # A line that would be taken for the next turn goes on with the one above.
    below = "".join(f" {line}" if speaker_and_text(line) else f"\n{line}" for line in others)
    return f"{name}: {first}{below}\n"


def _is_time(before: str, after: str) -> bool:
    return before[-1:].isdigit() and after[:1].isdigit()
