"""Subtitles, SubRip or WebVTT: what is said in their cues, by whom where they say it, without times and tags.

Not by a library: those that there are forget at which line a cue stood, and refuse what is nearly right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Final

from service.requests.script.dialogue import ChangeKind
from service.requests.script.emphasis import without_emphasis
from service.requests.script.layouts import is_name
from service.requests.script.lines import EDGE, Line, next_is_text
from service.requests.script.marks import ESCAPE, is_direction, is_style, literally
from service.requests.script.names import without_asides
from service.requests.script.narrator import narrator_of
from service.requests.script.plain import read_line, speaker_and_text
from service.requests.script.reading import Reading

_CLOCK: Final = r"(?:\d{1,3}:)?\d{1,2}:\d{1,2}(?:[,.]\d{1,3})?"
#: https://www.w3.org/TR/webvtt1/#webvtt-cue-timings; behind it there may be settings.
_TIMING: Final = re.compile(rf"{_CLOCK}[ \t]*-->[ \t]*{_CLOCK}(?:[ \t].*)?", re.DOTALL)
#: A block of WebVTT that is no cue.
_NO_CUE: Final = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t].*)?", re.DOTALL)
_HEADER: Final = "WEBVTT"
#: `<v Name>` and `<v.loud Name>`.
_VOICE: Final = re.compile(r"<v(?:\.[^<>\s]{0,100})?[ \t]([^<>]{1,200})>")
#: Every other tag, of either format; `{\\an8}` says where a line stands.
_TAG: Final = re.compile(r"<[^<>]{1,200}>|\{\\[^{}]{1,100}\}")
_DASH: Final = re.compile(r"(?:[-–—]|>>)[ \t]*")


def is_vtt(lines: Sequence[Line]) -> bool:
    """Whether a text says that it is WebVTT."""
    return next((line.text for line in lines if line.text), "").split(" ")[0] == _HEADER


def is_srt(lines: Sequence[Line]) -> bool:
    """Whether a text begins with a cue: its number, perhaps, and its times."""
    first, second = ([line.text for line in lines if line.text] + ["", ""])[:2]
    return _TIMING.fullmatch(second if first.isdigit() else first) is not None


def read_subtitles(lines: Sequence[Line]) -> Reading:
    """Read subtitles. Words that name nobody are those of who spoke last, or of a narrator."""
    reading = Reading()
    narrator = narrator_of(line.text for line in lines)
    names = _names_above_words(lines)
    is_left_out = False
    for at, line in enumerate(lines):
        if reading.has_enough:
            break
        if not line.text:
            is_left_out = False
        elif is_left_out or _begins_no_cue(lines, at):
            is_left_out = True
            reading.change(line.number, ChangeKind.METADATA, line.text)
        elif _is_timing(lines, at) or _names_cue(lines, at):
            reading.change(line.number, ChangeKind.TIMECODE, line.text)
        elif line.text.startswith(ESCAPE):
            reading.change(line.number, ChangeKind.ESCAPE, line.text, line.text[1:])
            read_line(reading, Line(line.number, literally(line.text[1:].strip(EDGE))))
        elif at in names:
            reading.change(line.number, ChangeKind.CUE, line.text, f"{line.text}:")
            reading.begin(line.number, line.text, "")
        else:
            _read_words(reading, line, narrator)
    return reading


def _names_above_words(lines: Sequence[Line]) -> frozenset[int]:
    """Where names stand, if every cue begins with one, as those of some meetings do; otherwise nowhere."""
    first = [at + 1 for at in range(len(lines)) if _is_timing(lines, at)]
    if not first or not all(next_is_text(lines, at) and is_name(lines[at].text) for at in first):
        return frozenset()
    names = Counter(lines[at].text for at in first)
    again = sum(count for count in names.values() if count > 1)
    return frozenset(first) if again * 2 >= len(first) else frozenset()


def _begins_no_cue(lines: Sequence[Line], at: int) -> bool:
    if at > 0 and lines[at - 1].text:
        return False
    is_header = lines[at].text.startswith(_HEADER) and at == _first_filled(lines)
    return is_header or _NO_CUE.fullmatch(lines[at].text) is not None


def _first_filled(lines: Sequence[Line]) -> int:
    return next((at for at, line in enumerate(lines) if line.text), 0)


def _is_timing(lines: Sequence[Line], at: int) -> bool:
    return "-->" in lines[at].text and _TIMING.fullmatch(lines[at].text) is not None


def _names_cue(lines: Sequence[Line], at: int) -> bool:
    """Whether it is the number or the name of the cue whose times are below."""
    begins_block = at == 0 or not lines[at - 1].text or lines[at].text.isdigit()
    return begins_block and at + 1 < len(lines) and _is_timing(lines, at + 1)


def _read_words(reading: Reading, line: Line, narrator: str) -> None:
    for speaker, marked in _voices(line.text):
        words = without_emphasis(unescape(_TAG.sub("", marked))).strip(EDGE)
        if words != marked.strip(EDGE) or speaker:
            reading.change(line.number, ChangeKind.TAG, line.text, f"{speaker}: {words}" if speaker else words)
        _read_said(reading, line.number, speaker, words, narrator)


def _voices(text: str) -> Iterator[tuple[str, str]]:
    """What each voice says in a line; the name is empty where there is none."""
    at, speaker = 0, ""
    for found in _VOICE.finditer(text):
        if speaker or text[at : found.start()].strip(EDGE):
            yield speaker, text[at : found.start()]
        at, speaker = found.end(), unescape(found[1]).strip(EDGE)
    yield speaker, text[at:]


def _read_said(reading: Reading, number: int, speaker: str, words: str, narrator: str) -> None:
    if is_direction(words) and not (is_style(words) and reading.goes_on):
        reading.change(number, ChangeKind.DIRECTION, words)
        return
    dash = _DASH.match(words)
    if dash is not None:
        reading.change(number, ChangeKind.BULLET, words, words[dash.end() :])
        words = words[dash.end() :]
    named = None if speaker else speaker_and_text(words)
    if named is not None:
        speaker, text = without_asides(named[0]), named[1]
        if speaker != named[0]:
            reading.change(number, ChangeKind.ASIDE, words, f"{speaker}: {text}")
        reading.begin(number, speaker, text)
    elif words and (speaker or dash is not None or not reading.is_within_a_sentence):
        _begin_said(reading, number, speaker, words, narrator)
    elif words:
        reading.go_on(number, words)


def _begin_said(reading: Reading, number: int, speaker: str, words: str, narrator: str) -> None:
    if speaker and speaker == reading.last_speaker and reading.is_within_a_sentence:
        reading.go_on(number, words)
        return
    who = speaker or reading.last_speaker
    if who is None:
        who = narrator
        reading.change(number, ChangeKind.NARRATOR, words, f"{who}: {words}")
    reading.begin(number, who, words)
