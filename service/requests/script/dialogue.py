"""What comes out of a reading: turns, what was changed on the way, what could not be read, what to merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from actors.providers.problem import Language, Text
from storage.jobs import Turn

#: Of many lines that are wrong, so many are named in one sentence.
_LINES_NAMED: Final = 10


class Format(StrEnum):
    """What a text is written in."""

    #: Found out from the text.
    AUTO = "auto"
    #: `Name: text` and nothing else: no line is changed, none is left out.
    SCRIPT = "script"
    #: A script as people paste it: Markdown, lists, tables, transcripts with times, chats.
    MARKDOWN = "markdown"
    #: A screenplay: https://fountain.io/syntax
    FOUNTAIN = "fountain"
    #: Subtitles: SubRip, WebVTT.
    SRT = "srt"
    VTT = "vtt"


class ChangeKind(StrEnum):
    """What was done to a line."""

    #: The whole text is read as another format than a script.
    FORMAT = "format"
    #: The backslash before a line that is read as it stands.
    ESCAPE = "escape"
    #: Marks around words: bold, italic, code, and tags.
    EMPHASIS = "emphasis"
    TAG = "tag"
    LINK = "link"
    #: Marks before a line.
    BULLET = "bullet"
    NUMBER = "number"
    QUOTE = "quote"
    TIMECODE = "timecode"
    #: `小美（開心）：`: what stands beside a name.
    ASIDE = "aside"
    #: How a line names its speaker without a colon: a table, a dash, a name above its words.
    TABLE = "table"
    SEPARATOR = "separator"
    CUE = "cue"
    #: A speaker for words that name nobody.
    NARRATOR = "narrator"
    #: Lines that are left out.
    HEADING = "heading"
    DIVIDER = "divider"
    DIRECTION = "direction"
    ACTION = "action"
    METADATA = "metadata"
    NOTE = "note"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Change:
    """A line (1-based) before and after; `after` is empty where the line is left out."""

    line: int
    kind: ChangeKind
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that is wrong with a text, in both languages. `line` is 1-based."""

    line: int
    text: Text


class WarningKind(StrEnum):
    """What to look at."""

    URL = "url"
    NOTHING_TO_SAY = "nothing_to_say"
    ONE_LINE = "one_line"
    NEAR_LIMIT = "near_limit"


@dataclass(frozen=True, slots=True)
class ScriptWarning:
    """What to look at, in both languages. `line` is 1-based."""

    line: int
    kind: WarningKind
    text: Text


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The turns that were found, the line (1-based) at which each begins, and what is to be said of the reading.

    `alike`: groups of speakers who may be one; the first of each speaks most. `warnings`: what a job would take,
    but its writer may not have meant.
    """

    turns: Sequence[Turn]
    lines: Sequence[int]
    mistakes: Sequence[Mistake]
    changes: Sequence[Change] = ()
    alike: Sequence[Sequence[str]] = ()
    warnings: Sequence[ScriptWarning] = ()

    @property
    def speakers(self) -> list[str]:
        """Who speaks, in the order of their first turns."""
        return list(dict.fromkeys(turn.speaker for turn in self.turns))

    @property
    def total_characters(self) -> int:
        """Characters of text in all turns."""
        return sum(len(turn.text) for turn in self.turns)

    def error(self, language: Language) -> str | None:
        """What is wrong, a line each; None when nothing is."""
        named = [mistake.text(language) for mistake in self.mistakes[:_LINES_NAMED]]
        if len(self.mistakes) > _LINES_NAMED:
            named.append("…")
        return "\n".join(named) or None
