"""A reading under way: takes what each line says, keeps turns, changes and mistakes, and ends as a dialogue.

What a line says is for the formats to find out; what a job may have is the same for all, and held here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from actors.providers.problem import Text
from service.requests.schemas import MAX_CHARACTERS, MAX_SPEAKER_LENGTH, MAX_SPEAKERS, MAX_TURNS
from service.requests.script.dialogue import Change, ChangeKind, Dialogue, Mistake
from service.requests.script.names import alike
from service.requests.script.warnings import warnings_of
from storage.jobs import Turn

#: A text with so many wrong lines is not read on: it is no dialogue.
_MISTAKES_READ: Final = 100
#: So many changes are told; a text that needs more is not read on, so that none is made in silence. The longest job as
#: subtitles, each line with a time, a tag, a dash and an aside, needs 4,000.
_CHANGES_READ: Final = 5_000
_SENTENCE_ENDS: Final = (*'。！？!?.…」』”"', "——")
#: A line is shown so far in a change, in characters.
_SHOWN: Final = 200

_NO_SPEAKER: Final = Text(
    "第 {line} 行沒有角色，請寫成「角色: 台詞」", "line {line} has no speaker: write `Name: text`"
)
_EMPTY_NAME: Final = Text("第 {line} 行的角色名稱是空的", "line {line} has an empty speaker's name")
_LONG_NAME: Final = Text(
    "第 {line} 行的角色名稱超過 {limit} 個字元", "line {line} has a speaker's name of more than {limit} characters"
)
_NO_TEXT: Final = Text("第 {line} 行的角色「{speaker}」沒有台詞", "line {line}: the speaker {speaker!r} says nothing")
_TOO_MANY_SPEAKERS: Final = Text(
    "第 {line} 行是第 {number} 個角色，最多 {limit} 個",
    "line {line} brings speaker number {number}, of {limit} at most",
)
_TOO_MANY_TURNS: Final = Text(
    "從第 {line} 行起超過 {limit} 句", "from line {line} on there are more than {limit} turns"
)
_TOO_LONG: Final = Text(
    "從第 {line} 行起總字數超過 {limit} 字（共 {number} 字）",
    "from line {line} on there are more than {limit} characters of text ({number} in all)",
)
_TOO_MANY_CHANGES: Final = Text(
    "到第 {line} 行已需更動 {limit} 處，這不像劇本", "up to line {line} {limit} changes were needed: this is no script"
)
_NOTHING: Final = Text("沒有任何台詞", "there is no line to be spoken")


@dataclass(slots=True)
class _Open:
    """A turn whose lines are still being read."""

    line: int
    speaker: str
    text: list[str] = field(default_factory=list[str])


class Reading:
    """What was read so far.

    `patient`: a name without words waits for them below an empty line; otherwise that is a mistake.
    """

    def __init__(self, *, patient: bool = True) -> None:
        self._patient = patient
        self._turns: list[_Open] = []
        self._mistakes: list[Mistake] = []
        self._changes: list[Change] = []
        self._speakers: set[str] = set()
        self._open: _Open | None = None
        # Lines below one that is wrong belong to it: they are not wrong once more.
        self._below_mistake = False

    @property
    def has_enough(self) -> bool:
        """Whether it is clear that no job can be made of the text."""
        return (
            len(self._turns) > MAX_TURNS or len(self._mistakes) >= _MISTAKES_READ or len(self._changes) >= _CHANGES_READ
        )

    @property
    def goes_on(self) -> bool:
        """Whether a line that names nobody would have a place: in the turn above, or below a mistake."""
        return self._open is not None or self._below_mistake

    @property
    def last_speaker(self) -> str | None:
        """Who spoke last, if anybody did."""
        turn = self._open or (self._turns[-1] if self._turns else None)
        return turn.speaker if turn else None

    @property
    def is_within_a_sentence(self) -> bool:
        """Whether somebody is speaking whose sentence has not ended, or has not begun."""
        return self._open is not None and not (self._open.text and self._open.text[-1].endswith(_SENTENCE_ENDS))

    def has_spoken(self, name: str) -> bool:
        """Whether somebody of this name spoke already."""
        return name in self._speakers

    def change(self, line: int, kind: ChangeKind, before: str, after: str = "") -> None:
        """Something was done to a line."""
        self._changes.append(Change(line, kind, _shown(before), _shown(after)))

    def begin(self, line: int, speaker: str, text: str) -> None:
        """Somebody begins to speak."""
        self._end_turn()
        if not speaker:
            self._mistake(line, _EMPTY_NAME)
        elif len(speaker) > MAX_SPEAKER_LENGTH:
            self._mistake(line, _LONG_NAME, limit=MAX_SPEAKER_LENGTH)
        else:
            self._open = _Open(line, speaker, [text] if text else [])
            self._speakers.add(speaker)

    def go_on(self, line: int, text: str) -> None:
        """A line that names nobody: it belongs to the turn above."""
        if self._open is not None:
            self._open.text.append(text)
        elif not self._below_mistake:
            self._mistake(line, _NO_SPEAKER)

    def reopen(self) -> None:
        """The last turn goes on, even below an empty line."""
        if self._open is None and self._turns:
            self._open = self._turns.pop()

    def pause(self) -> None:
        """An empty line: somebody must be named again, unless somebody was and said nothing yet."""
        if not (self._patient and self._open is not None and not self._open.text):
            self._end_turn()

    def dialogue(self) -> Dialogue:
        """All that was read; nothing comes after."""
        self._end_turn()
        mistakes = sorted(
            [*self._mistakes, *_over_limits(self._turns), *self._over_changes()], key=lambda one: one.line
        )
        if not self._turns and not mistakes:
            mistakes = [Mistake(1, _NOTHING)]
        turns = [Turn(turn.speaker, "\n".join(turn.text), index) for index, turn in enumerate(self._turns)]
        lines = [turn.line for turn in self._turns]
        return Dialogue(turns, lines, mistakes, self._changes, alike(turns), warnings_of(turns, lines))

    def _end_turn(self) -> None:
        turn, self._open = self._open, None
        self._below_mistake = False
        if turn is None:
            return
        if turn.text:
            self._turns.append(turn)
        else:
            self._mistake(turn.line, _NO_TEXT, speaker=turn.speaker)
            self._below_mistake = False

    def _mistake(self, line: int, text: Text, **values: object) -> None:
        self._mistakes.append(Mistake(line, text.filled(line=line, **values)))
        self._below_mistake = True

    def _over_changes(self) -> Iterator[Mistake]:
        if len(self._changes) >= _CHANGES_READ:
            yield _limit(self._changes[-1].line, _TOO_MANY_CHANGES, _CHANGES_READ, len(self._changes))


def _shown(line: str) -> str:
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _over_limits(turns: Sequence[_Open]) -> Iterator[Mistake]:
    """What a job would not take, each at the line where it becomes too much."""
    if len(turns) > MAX_TURNS:
        line = turns[MAX_TURNS].line
        yield _limit(line, _TOO_MANY_TURNS, MAX_TURNS, len(turns))
    seen: set[str] = set()
    for turn in turns:
        seen.add(turn.speaker)
        if len(seen) > MAX_SPEAKERS:
            yield _limit(turn.line, _TOO_MANY_SPEAKERS, MAX_SPEAKERS, len(seen))
            break
    lengths = [sum(map(len, turn.text)) + len(turn.text) - 1 for turn in turns]
    so_far = 0
    for turn, length in zip(turns, lengths, strict=True):
        so_far += length
        if so_far > MAX_CHARACTERS:
            yield _limit(turn.line, _TOO_LONG, MAX_CHARACTERS, sum(lengths))
            break


def _limit(line: int, text: Text, limit: int, number: int) -> Mistake:
    return Mistake(line, text.filled(line=line, limit=limit, number=number))
