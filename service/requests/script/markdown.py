"""A script as people paste it: Markdown, lists, tables, transcripts with times, chats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.requests.script.chat import begins_with_time, is_a_chat, is_attachment, leave_out_notices
from service.requests.script.dialogue import ChangeKind
from service.requests.script.frame import leave_out_cast, leave_out_frame
from service.requests.script.layouts import (
    KIND_OF,
    Layout,
    Standing,
    bracketed,
    cues_of,
    layout_of,
    name_of_cue,
    spaced,
    standing_of,
)
from service.requests.script.lines import EDGE, Line
from service.requests.script.marks import (
    Bare,
    Shape,
    bare_of,
    changes_of,
    is_metadata,
    is_pause,
    is_style,
    literally,
)
from service.requests.script.names import name_and_asides, without_asides
from service.requests.script.narrator import narrator_of
from service.requests.script.plain import read_line, speaker_and_text
from service.requests.script.reading import Reading
from service.requests.script.tables import cells_of, is_rule

#: `小美[開心]：你好`, `Ben (sadly, to himself): Why?`.
_ASIDE_IN_BRACKETS: Final = re.compile(
    r"([^:：，。！？；、,!?;「」『』“”\"\[\]［］【】()（）]{1,50})([\[［【(（][^\[\]［］【】()（）]{0,50}[\]］】)）])\s*([:：].*)",
    re.DOTALL,
)
#: `小美 00:12：你好`.
_TIME_BEHIND_NAME: Final = re.compile(
    r"([^:：，。！？；、,!?;「」『』“”\"\[\]［］【】]{1,50})([ \t(（]\d{1,2}[:：]\d{2}(?:[:：]\d{2})?[)）]?)\s*"
    r"([:：].*)",
    re.DOTALL,
)
_WITH_MORE: Final = {_TIME_BEHIND_NAME: ChangeKind.TIMECODE, _ASIDE_IN_BRACKETS: ChangeKind.ASIDE}


@dataclass(frozen=True, slots=True)
class _Manner:
    """How this text is written.

    `layout`, `cues`: how it names speakers, beside the colon; `with_more`: what stands between a name and its colon.
    `known`: who is named by a colon, outside of headings. `is_marked`: with Markdown. `is_chat`: an export of messages.
    `narrator`: who speaks where nobody is named anywhere.
    """

    layout: Layout | None
    cues: frozenset[Standing]
    with_more: re.Pattern[str] | None
    known: frozenset[str]
    is_marked: bool
    is_chat: bool
    narrator: str | None


def read_markdown(lines: Sequence[Line]) -> Reading:
    """Read what people paste.

    Marks around and before lines go. Headings, dividers, stage directions and notes on the script are left out. The
    speakers are found by a colon or, in a text that does not begin so, in the way in which most lines name them.
    """
    is_chat, is_timed = is_a_chat(lines), begins_with_time(lines)
    bares = [bare_of(line, is_timed=is_timed) for line in lines]
    _read_tables(bares)
    if is_chat:
        leave_out_notices(bares)
    if any(map(_is_marked, bares)):
        leave_out_cast(bares)
        leave_out_frame(bares)
    manner = _manner_of(bares, is_chat=is_chat, is_timed=is_timed)
    reading = Reading()
    for bare in bares:
        if reading.has_enough:
            break
        _read(reading, bare, manner)
    return reading


def _read(reading: Reading, bare: Bare, manner: _Manner) -> None:
    number = bare.line.number
    if not bare.text:
        _tell(reading, bare)
        if not any(shape is not Shape.NONE for shape, _ in manner.cues):
            reading.pause()
        return
    if bare.as_it_stands:
        _tell(reading, bare)
        read_line(reading, Line(number, literally(bare.text)))
    elif standing_of(bare) in manner.cues and (bare.shape is not Shape.NONE or not reading.goes_on):
        name = name_of_cue(bare)
        reading.change(number, ChangeKind.CUE, bare.line.text, f"{name}:")
        reading.begin(number, name, "")
    elif is_style(bare.text) and reading.goes_on:
        reading.go_on(number, bare.text)
    elif is_pause(bare.text):
        _tell(reading, bare)
        reading.reopen()
        reading.go_on(number, bare.text)
    else:
        _read_words(reading, bare, manner)


def _read_words(reading: Reading, bare: Bare, manner: _Manner) -> None:
    named = None if bare.left_out else _named(reading, bare, manner)
    if named is None and bare.left_out is None and not bare.has_time:
        _leave_out_headings(bare, reading)
    _tell(reading, bare)
    if bare.left_out is not None:
        if bare.left_out in {ChangeKind.HEADING, ChangeKind.DIVIDER}:
            reading.pause()
    elif named is not None:
        reading.begin(bare.line.number, *named)
    elif (bare.has_time or manner.narrator) and not reading.is_within_a_sentence:
        _begin_unnamed(reading, bare, manner)
    else:
        reading.go_on(bare.line.number, bare.text)


def _begin_unnamed(reading: Reading, bare: Bare, manner: _Manner) -> None:
    """Words behind a time that name nobody are those of who spoke last, or of a narrator."""
    speaker = reading.last_speaker or manner.narrator
    if speaker is None:
        reading.go_on(bare.line.number, bare.text)
        return
    if reading.last_speaker is None:
        reading.change(bare.line.number, ChangeKind.NARRATOR, bare.text, f"{speaker}: {bare.text}")
    reading.begin(bare.line.number, speaker, bare.text)


def _named(reading: Reading, bare: Bare, manner: _Manner) -> tuple[str, str] | None:
    """Who speaks and what. What had to be done to the line to see it is written down with the line."""
    by_layout = manner.layout(bare.text) if manner.layout is not None else None
    named = by_layout or _named_by_colon(bare, manner) or _named_with_more(reading, bare, manner)
    if named is None:
        return None
    name, text = named
    if manner.is_marked and is_metadata(without_asides(name)):
        bare.leaves(ChangeKind.METADATA)
        return None
    if manner.is_chat and is_attachment(text):
        bare.leaves(ChangeKind.NOTICE)
        return None
    if by_layout is not None and manner.layout is not None:
        bare.changes.append((KIND_OF[manner.layout], bare.text, f"{name}: {text}"))
        return named
    if bare.text.startswith(("[", "［", "【")):
        return named  # A name in brackets is taken as it stands.
    plain, asides = name_and_asides(name.strip(f"*_`~{EDGE}") or name)
    text = _styled(text, asides)
    if plain != name:
        bare.changes.append((ChangeKind.ASIDE, bare.text, f"{plain}: {text}"))
    return plain, text


def _styled(text: str, asides: Sequence[str]) -> str:
    """`小美（開心）：你好` is `小美：（開心）你好`: a style is said to whoever speaks, other asides are not."""
    styles = [aside if aside[0] in "（［【" else f"{aside} " for aside in asides if is_style(aside)]
    return f"{''.join(styles)}{text}" if text else text


def _named_by_colon(bare: Bare, manner: _Manner) -> tuple[str, str] | None:
    """`# 第一集：重逢` names nobody, `### Host: Hello` does where other lines do, too, or all lines are headings."""
    named = speaker_and_text(bare.text)
    is_title = bare.shape is Shape.HEADING and named is not None and manner.known
    return None if is_title and named and without_asides(named[0]) not in manner.known else named


def _named_with_more(reading: Reading, bare: Bare, manner: _Manner) -> tuple[str, str] | None:
    """A name with something between it and its colon, where nothing else can be meant."""
    for pattern, kind in _WITH_MORE.items():
        found = pattern.fullmatch(bare.text)
        name = found[1].strip(EDGE) if found else ""
        is_one = name in manner.known or reading.has_spoken(name) or pattern is manner.with_more
        if found is not None and name and (is_one or is_style(found[2]) or not reading.goes_on):
            said = found[3][1:].strip(EDGE)
            text = _styled(said, [found[2]])
            bare.becomes(f"{name}: {text}", kind)
            return name, text
    if not reading.goes_on and (found := bracketed(bare.text)):
        bare.changes.append((ChangeKind.SEPARATOR, bare.text, f"[{found[0]}]: {found[1]}"))
        return found
    return None


def _leave_out_headings(bare: Bare, reading: Reading) -> None:
    """A heading names nobody; nor does a bold line of its own."""
    if bare.shape is Shape.HEADING or (bare.shape is Shape.BOLD and not reading.goes_on):
        bare.leaves(ChangeKind.HEADING)


def _tell(reading: Reading, bare: Bare) -> None:
    for kind, before, after in changes_of(bare):
        reading.change(bare.line.number, kind, before, after)


def _manner_of(bares: Sequence[Bare], *, is_chat: bool, is_timed: bool) -> _Manner:
    spoken = [bare for bare in bares if bare.text and bare.left_out is None and not bare.as_it_stands]
    words = [bare for bare in spoken if bare.shape is not Shape.HEADING]
    names = [named[0] for bare in words if (named := speaker_and_text(bare.text))]
    begins_as_script = bool(words) and speaker_and_text(words[0].text) is not None
    layout = None if begins_as_script or not words else layout_of(words)
    cues = cues_of(bares)
    if is_chat and layout is None and not names:
        layout = spaced
    says_nobody = is_timed and not is_chat and layout is None and not cues and not names
    first = words[0].text if words else ""
    return _Manner(
        layout,
        cues,
        next((pattern for pattern in _WITH_MORE if pattern.fullmatch(first)), None),
        frozenset(map(without_asides, names)),
        is_marked=any(_is_marked(bare) for bare in bares),
        is_chat=is_chat,
        narrator=narrator_of(bare.text for bare in spoken) if says_nobody else None,
    )


def _is_marked(bare: Bare) -> bool:
    return (
        bare.shape in {Shape.HEADING, Shape.BOLD}
        or bare.left_out is ChangeKind.DIVIDER
        or any(kind is ChangeKind.EMPHASIS for kind, _, _ in bare.changes)
    )


def _read_tables(bares: Sequence[Bare]) -> None:
    """Rows of a Markdown table become lines of a script: the first cell speaks, the others are what is said."""
    if not any(is_rule(bare.line.text) for bare in bares):
        return
    for at, bare in enumerate(bares):
        cells = cells_of(bare.line.text)
        if is_rule(bare.line.text) or (cells and at + 1 < len(bares) and is_rule(bares[at + 1].line.text)):
            bare.leaves(ChangeKind.TABLE)
        elif len(cells) > 1:
            bare.changes.clear()
            bare.left_out = None
            bare.text = bare.line.text
            bare.becomes(f"{cells[0]}: {' '.join(cells[1:])}", ChangeKind.TABLE)
