"""A screenplay in Fountain: characters and their dialogue are read, all else is left out. https://fountain.io/syntax"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from service.requests.script.dialogue import ChangeKind
from service.requests.script.emphasis import without_emphasis
from service.requests.script.lines import EDGE, Line, next_is_text
from service.requests.script.marks import ESCAPE, is_direction, is_pause, is_style, literally
from service.requests.script.names import without_asides
from service.requests.script.plain import read_line, speaker_and_text
from service.requests.script.reading import Reading

_SCENE: Final = re.compile(r"(?:(?:int|ext|est|i/e|int\.?/ext)[. ]|\.[^.\s])", re.IGNORECASE)
_NOTE: Final = re.compile(r"\[\[[^\[\]]{0,1000}\]\]")
#: Keys of a title page, in the order of the specification and as programs write them.
_TITLE_PAGE: Final = frozenset(
    ["title", "credit", "author", "authors", "source", "draft date", "date", "contact", "copyright", "notes"]
) | {"format", "revision", "episode"}
#: A character's name is no longer, in characters; a sentence that shouts is.
_NAME_LENGTH: Final = 50
#: Two cues or a scene and a cue make a screenplay of a text that does not say what it is.
_CUES_NEEDED: Final = 2


def is_fountain(lines: Sequence[Line]) -> bool:
    """Whether a text can only be a screenplay: with characters above their words, and not a script of ours."""
    first = _title_page_ends(lines)
    words = next((line.text for line in lines[first:] if line.text), "")
    if speaker_and_text(words) is not None and not words.endswith(":"):
        return False
    cues = sum(_is_cue(lines, at) for at in range(first, len(lines)))
    return cues + any(_is_scene(lines, at) for at in range(first, len(lines))) >= _CUES_NEEDED and cues > 0


def read_fountain(lines: Sequence[Line]) -> Reading:
    """Read a screenplay."""
    reading = Reading()
    first = _title_page_ends(lines)
    for line in lines[:first]:
        if line.text:
            reading.change(line.number, ChangeKind.METADATA, line.text)
    in_boneyard = False
    for at in range(first, len(lines)):
        if reading.has_enough:
            break
        line = lines[at]
        begins, ends = line.text.startswith("/*"), "*/" in line.text
        if in_boneyard or begins:
            if line.text:
                reading.change(line.number, ChangeKind.NOTE, line.text)
            in_boneyard = not ends
        else:
            _read(reading, lines, at)
    return reading


def _read(reading: Reading, lines: Sequence[Line], at: int) -> None:
    line = lines[at]
    if not line.text:
        reading.pause()
    elif line.text.startswith(ESCAPE):
        reading.change(line.number, ChangeKind.ESCAPE, line.text, line.text[1:])
        read_line(reading, Line(line.number, literally(line.text[1:].strip(EDGE))))
    elif is_pause(line.text):
        reading.reopen()
        reading.go_on(line.number, line.text)
    elif _is_cue(lines, at):
        name = _name_of(line.text)
        reading.change(line.number, ChangeKind.CUE, line.text, f"{name}:")
        reading.begin(line.number, name, "")
    elif reading.goes_on:
        _read_dialogue(reading, line)
    else:
        reading.change(line.number, _kind_of_other(lines, at), line.text)


def _read_dialogue(reading: Reading, line: Line) -> None:
    if is_direction(line.text) and not is_style(line.text):
        reading.change(line.number, ChangeKind.DIRECTION, line.text)
        return
    said = _NOTE.sub("", line.text)
    if said != line.text:
        reading.change(line.number, ChangeKind.NOTE, line.text, said)
    words = without_emphasis(said.removeprefix("~")).strip(EDGE)
    if words != said.strip(EDGE):
        reading.change(line.number, ChangeKind.EMPHASIS, line.text, words)
    if words:
        reading.go_on(line.number, words)


def _is_cue(lines: Sequence[Line], at: int) -> bool:
    """A character: in capitals or behind an `@`, an empty line above, words below."""
    text = lines[at].text
    if (at > 0 and lines[at - 1].text) or not next_is_text(lines, at) or not text or text[0] == "!":
        return False
    if text.startswith("@"):
        return 1 < len(text) <= _NAME_LENGTH and ":" not in text
    name = _name_of(text)
    is_no_name = text[0] in ".>#=[(~" or text.endswith((":", ".")) or ":" in name or "：" in name
    return name.isupper() and len(name) <= _NAME_LENGTH and not is_no_name and not _SCENE.match(text)


def _name_of(text: str) -> str:
    return without_asides(without_emphasis(text.removeprefix("@").rstrip("^").strip(EDGE)))


def _is_scene(lines: Sequence[Line], at: int) -> bool:
    return bool(_SCENE.match(lines[at].text)) and (at == 0 or not lines[at - 1].text)


def _kind_of_other(lines: Sequence[Line], at: int) -> ChangeKind:
    text = lines[at].text
    if text.startswith(("[[", "=")):
        return ChangeKind.DIVIDER if text.startswith("===") else ChangeKind.NOTE
    if text.startswith(("#", ">")) or _is_scene(lines, at) or (text.isupper() and text.endswith((":", "."))):
        return ChangeKind.HEADING
    return ChangeKind.ACTION


def _title_page_ends(lines: Sequence[Line]) -> int:
    """Where the screenplay itself begins."""
    filled = next((at for at, line in enumerate(lines) if line.text), len(lines))
    if filled == len(lines) or not _is_key(lines[filled].text):
        return 0
    return next((at for at in range(filled, len(lines)) if not lines[at].text), len(lines))


def _is_key(text: str) -> bool:
    key, colon, _ = text.partition(":")
    return bool(colon) and key.strip(EDGE).casefold() in _TITLE_PAGE
