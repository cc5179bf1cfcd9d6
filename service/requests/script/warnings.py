"""What a job would take of a dialogue, but its writer may not have meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from actors.providers.problem import Text
from actors.providers.refusals import has_something_to_say
from service.requests.schemas import MAX_CHARACTERS, MAX_TURNS
from service.requests.script.dialogue import ScriptWarning, WarningKind
from storage.jobs import Turn

#: So many warnings are told. More say nothing that is new.
_TOLD: Final = 100
#: A limit is near from this part of it on.
_NEAR: Final = 0.8
#: Who speaks once is a slip of the pen where the others speak so often, on average.
_SPOKEN_BY_OTHERS: Final = 3
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)[^\s]")


_URL: Final = Text(
    "第 {line} 行有網址，會逐字讀出", "line {line} has a web address, which is read aloud letter by letter"
)
_SILENT: Final = Text(
    "第 {line} 行只有符號，沒有可讀的字", "line {line} has signs alone: there is nothing to read aloud"
)
_ONCE: Final = Text(
    "第 {line} 行：「{speaker}」只說了這一句，名字寫對了嗎？",
    "line {line}: {speaker!r} speaks this once; is the name right?",
)
_MANY_TURNS: Final = Text("共 {number} 句，上限是 {limit} 句", "{number} turns, of {limit} at most")
_LONG: Final = Text("共 {number} 字，上限是 {limit} 字", "{number} characters, of {limit} at most")


def warnings_of(turns: Sequence[Turn], lines: Sequence[int]) -> Sequence[ScriptWarning]:
    """What to look at, in the order of the lines. `lines`: where each turn begins."""
    found = [*_of_lines(turns, lines), *_of_speakers(turns, lines), *_of_limits(turns, lines)]
    return sorted(found, key=lambda one: one.line)[:_TOLD]


def _of_lines(turns: Sequence[Turn], lines: Sequence[int]) -> Iterator[ScriptWarning]:
    for turn, line in zip(turns, lines, strict=True):
        if not has_something_to_say(turn.text):
            yield _warning(line, WarningKind.NOTHING_TO_SAY, _SILENT)
        elif _ADDRESS.search(turn.text):
            yield _warning(line, WarningKind.URL, _URL)


def _of_speakers(turns: Sequence[Turn], lines: Sequence[int]) -> Iterator[ScriptWarning]:
    spoken = Counter(turn.speaker for turn in turns)
    if len(spoken) > 1 and len(turns) >= _SPOKEN_BY_OTHERS * len(spoken):
        for turn, line in zip(turns, lines, strict=True):
            if spoken[turn.speaker] == 1:
                yield _warning(line, WarningKind.ONE_LINE, _ONCE, speaker=turn.speaker)


def _of_limits(turns: Sequence[Turn], lines: Sequence[int]) -> Iterator[ScriptWarning]:
    """Where a limit is near; that one is passed is a mistake of the dialogue."""
    characters = sum(len(turn.text) for turn in turns)
    for number, limit, text in ((len(turns), MAX_TURNS, _MANY_TURNS), (characters, MAX_CHARACTERS, _LONG)):
        if _NEAR * limit <= number <= limit:
            yield _warning(lines[-1], WarningKind.NEAR_LIMIT, text, number=number, limit=limit)


def _warning(line: int, kind: WarningKind, text: Text, **values: object) -> ScriptWarning:
    return ScriptWarning(line, kind, text.filled(line=line, **values))
