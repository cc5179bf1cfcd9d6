"""What of the directions in a request's lines cannot be done, and what its vendor will be asked to say of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from actors.directions import LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS, Reading, reading_of
from actors.lexicon import Say
from actors.lines import lines_in, parts_of
from actors.providers.problem import Problem, Text
from actors.providers.provider import Provider
from storage.jobs import Script, Turn

#: Silence within one line, and in all lines of a job, in milliseconds: it costs no vendor, but room and time.
MAX_PAUSE_MS: Final = 60_000
MAX_PAUSES_MS: Final = 600_000

_BAD_PAUSE: Final = Text(
    "停頓須為 {shortest} 毫秒到 {longest} 秒，寫成 [pause 500ms] 或 [pause 1.5s]；若要照字面朗讀，請在括號前加反斜線",
    "a pause is {shortest} ms to {longest} s, as [pause 500ms] or [pause 1.5s]; to have it read aloud put a backslash "
    "before its brackets",
).filled(shortest=SHORTEST_PAUSE_MS, longest=LONGEST_PAUSE_MS // 1000)
_TOO_LONG: Final = Text(
    f"一句裡的停頓合計最多 {MAX_PAUSE_MS // 1000} 秒",
    f"the pauses of a turn are {MAX_PAUSE_MS // 1000} s at most in all",
)
_TOO_MUCH: Final = Text(
    f"全部停頓合計最多 {MAX_PAUSES_MS // 1000} 秒", f"all pauses together are {MAX_PAUSES_MS // 1000} s at most"
)
_NOTHING_LEFT: Final = Text(
    "除了不朗讀的指示，沒有可朗讀的文字；若要照字面朗讀，請在括號前加反斜線",
    "beside directions, which are not read aloud, there is nothing in it to be spoken; to have them read aloud put a "
    "backslash before their brackets",
)


def direction_problems(script: Script) -> Iterator[Problem]:
    """Pauses that are none, or too long; lines of which nothing is left. Named by the index of the turn."""
    in_all_ms = 0
    for turn in script.turns:
        reading = reading_of(turn.text)
        in_all_ms += reading.pause_ms
        text = _problem_of(reading)
        if text is not None:
            yield Problem(f"turns[{turn.index}].text", text)
    if in_all_ms > MAX_PAUSES_MS:
        yield Problem("turns", _TOO_MUCH)


def spoken_script(script: Script, provider: Provider, say: Say) -> Script:
    """The script as its vendor is to say it: a turn of several pieces is several turns, all with its index."""
    return replace(script, turns=tuple(_spoken_turns(script, provider, say)))


def _problem_of(reading: Reading) -> Text | None:
    if reading.bad_pauses:
        return _BAD_PAUSE
    if reading.pause_ms > MAX_PAUSE_MS:
        return _TOO_LONG
    return _NOTHING_LEFT if not reading.parts else None


def _spoken_turns(script: Script, provider: Provider, say: Say) -> Iterator[Turn]:
    for turn in script.turns:
        for line in lines_in(parts_of(script, turn, provider, say)):
            yield replace(turn, text=line.text)
