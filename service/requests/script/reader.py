"""From a text to a dialogue: finds out what it is written in, and has it read so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from actors.providers.problem import Text
from service.requests.script.dialogue import ChangeKind, Dialogue, Format, Mistake
from service.requests.script.fountain import is_fountain, read_fountain
from service.requests.script.lines import Line, lines_of
from service.requests.script.markdown import read_markdown
from service.requests.script.plain import read_plain
from service.requests.script.reading import Reading
from service.requests.script.subtitles import is_srt, is_vtt, read_subtitles

#: Ten for each turn that a job may have. Each costs some microseconds, and a text may hold a hundred times as many.
MAX_LINES: Final = 10_000
_TOO_MANY_LINES: Final = Text("超過 {limit} 行，這不像劇本", "there are more than {limit} lines: this is no script")

_READERS: Final[Mapping[Format, Callable[[Sequence[Line]], Reading]]] = {
    Format.SCRIPT: read_plain,
    Format.MARKDOWN: read_markdown,
    Format.FOUNTAIN: read_fountain,
    Format.SRT: read_subtitles,
    Format.VTT: read_subtitles,
}


def parse_dialogue(text: str, written_in: Format = Format.AUTO) -> Dialogue:
    """Read a dialogue.

    `AUTO` finds subtitles by their times and screenplays by their characters; all else is read as `MARKDOWN`, which
    reads a script as `SCRIPT` does. Every line that was changed or left out is told.

    What is too long for a job in any case is read no further than that is clear: to one turn beyond `MAX_TURNS`, or to
    the hundredth mistake; and of more than `MAX_LINES` nothing is read.
    """
    lines = list(lines_of(text, MAX_LINES + 1))
    if len(lines) > MAX_LINES:
        return Dialogue([], [], [Mistake(MAX_LINES, _TOO_MANY_LINES.filled(limit=MAX_LINES))])
    found = format_of(lines) if written_in is Format.AUTO else written_in
    reading = _READERS[found](lines)
    if written_in is Format.AUTO and found is not Format.MARKDOWN:
        reading.change(1, ChangeKind.FORMAT, "", found.value)
    return reading.dialogue()


def format_of(lines: Sequence[Line]) -> Format:
    """What a text is written in."""
    if is_vtt(lines):
        return Format.VTT
    if is_srt(lines):
        return Format.SRT
    return Format.FOUNTAIN if is_fountain(lines) else Format.MARKDOWN
