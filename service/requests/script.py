"""A dialogue as people write it, in lines of `A: 你好` or `[Host]: Hello`: text in, turns out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from actors.providers.problem import Language, Text
from service.requests.schemas import MAX_CHARACTERS, MAX_SPEAKER_LENGTH, MAX_SPEAKERS, MAX_TURNS
from storage.jobs import Turn

#: Of many lines that are wrong, so many are named.
_LINES_NAMED: Final = 10
#: A text with so many wrong lines is not read on: it is no dialogue.
_MISTAKES_READ: Final = 100

_LINE_END: Final = re.compile("\r\n|[\n\r\u2028\u2029]")
#: Around a line: white space, full-width spaces too, and the mark that some editors put before a text.
_EDGE: Final = " \t\v\f\u00a0\u3000\ufeff"

#: A name in brackets may hold anything but brackets.
_IN_BRACKETS: Final = re.compile(r"(?:\[([^\[\]]*)\]|［([^［］]*)］|【([^【】]*)】)\s*[:：](.*)", re.DOTALL)
#: A bare name holds nothing that ends or divides a sentence: `他說，記住：` is no speaker.
_BARE: Final = re.compile(r"([^:：，。！？；、,!?;「」『』“”\"\[\]［］【】]*)([:：])(.*)", re.DOTALL)

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
_NOTHING: Final = Text("沒有任何台詞", "there is no line to be spoken")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that is wrong with a text, in both languages. `line` is 1-based."""

    line: int
    text: Text


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The turns that were found, and what is wrong with the text."""

    turns: Sequence[Turn]
    mistakes: Sequence[Mistake]

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


@dataclass(slots=True)
class _Open:
    """A turn whose lines are still being read."""

    line: int
    speaker: str
    text: list[str] = field(default_factory=list[str])


def parse_dialogue(text: str) -> Dialogue:
    """Read a dialogue.

    A turn begins with its speaker and a colon, half or full width. Lines right below that name nobody go on with it;
    after an empty line somebody must be named again. The first colon counts unless it is one of a time (`12:30`) or of
    an address (`http://`).

    What is too long for a job in any case is read no further than that is clear: to one turn beyond `MAX_TURNS`, or to
    the hundredth mistake.
    """
    reader = _Reader()
    for number, line in enumerate(_LINE_END.split(text), start=1):
        reader.read(number, line.strip(_EDGE))
        if reader.has_enough:
            break
    reader.end_turn()
    mistakes = sorted([*reader.mistakes, *_over_limits(reader.turns)], key=lambda mistake: mistake.line)
    if not reader.turns and not mistakes:
        mistakes = [Mistake(1, _NOTHING)]
    turns = [Turn(turn.speaker, "\n".join(turn.text), index) for index, turn in enumerate(reader.turns)]
    return Dialogue(turns, mistakes)


class _Reader:
    """Takes lines, keeps turns and mistakes."""

    def __init__(self) -> None:
        self.turns: list[_Open] = []
        self.mistakes: list[Mistake] = []
        self._open: _Open | None = None
        # Lines below one that is wrong belong to it: they are not wrong once more.
        self._below_mistake = False

    @property
    def has_enough(self) -> bool:
        """Whether it is clear that no job can be made of the text."""
        return len(self.turns) > MAX_TURNS or len(self.mistakes) >= _MISTAKES_READ

    def read(self, number: int, line: str) -> None:
        """The next line, without the space around it."""
        if not line:
            self.end_turn()
            return
        named = _speaker_and_text(line)
        if named is not None:
            self.end_turn()
            self._begin_turn(number, *named)
        elif self._open is not None:
            self._open.text.append(line)
        elif not self._below_mistake:
            self._mistake(number, _NO_SPEAKER)

    def end_turn(self) -> None:
        """No more lines belong to the turn before."""
        turn, self._open = self._open, None
        self._below_mistake = False
        if turn is None:
            return
        if turn.text:
            self.turns.append(turn)
        else:
            self._mistake(turn.line, _NO_TEXT, speaker=turn.speaker)
            self._below_mistake = False

    def _begin_turn(self, number: int, speaker: str, text: str) -> None:
        if not speaker:
            self._mistake(number, _EMPTY_NAME)
        elif len(speaker) > MAX_SPEAKER_LENGTH:
            self._mistake(number, _LONG_NAME, limit=MAX_SPEAKER_LENGTH)
        else:
            self._open = _Open(number, speaker, [text] if text else [])

    def _mistake(self, line: int, text: Text, **values: object) -> None:
        self.mistakes.append(Mistake(line, text.filled(line=line, **values)))
        self._below_mistake = True


def _speaker_and_text(line: str) -> tuple[str, str] | None:
    """Who speaks and what, or None for a line that names nobody."""
    if ":" not in line and "：" not in line:
        return None
    bracketed = _IN_BRACKETS.fullmatch(line)
    if bracketed is not None:
        name = next(group for group in bracketed.groups()[:3] if group is not None)
        return name.strip(_EDGE), bracketed[4].strip(_EDGE)
    bare = _BARE.fullmatch(line)
    if bare is None:
        return None
    name, text = bare[1].strip(_EDGE), bare[3]
    if _is_time(bare[1], text) or text.startswith("//") or len(name) > MAX_SPEAKER_LENGTH:
        return None
    return name, text.strip(_EDGE)


def _is_time(before: str, after: str) -> bool:
    return before[-1:].isdigit() and after[:1].isdigit()


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
