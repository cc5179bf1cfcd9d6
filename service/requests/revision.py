"""From the body of POST /jobs/{id}/revise to a new Script: some turns changed, or spoken again, and the rest as it was.

The result is held against the same rules as a new job; its problems are named by the place in the request where they
can be mended.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from actors.providers.problem import Problem, Text
from actors.providers.provider import Provider
from service.http.errors import InvalidRequest
from service.http.messages import ErrorCode
from service.requests.job_request import script_of
from service.requests.schemas import RevisedTurnBody, RevisionRequest
from service.requests.validation import Problems, read_fields
from storage.jobs import Script
from storage.lexicon import Pronunciation

_TURN: Final = re.compile(r"turns\[(\d+)\](.*)")


@dataclass(frozen=True, slots=True)
class Revision:
    """A script, and the turns of it that have a take of their own: turn index → its name."""

    script: Script
    takes: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to become of one turn. `place`: where in the request it stands."""

    place: int
    turn: RevisedTurnBody

    @property
    def is_none(self) -> bool:
        return self.turn.text is None and self.turn.voice_id is None and not self.turn.speak_again


def revision_of(
    script: Script,
    takes: Mapping[int, str],
    body: Any,
    providers: Mapping[str, Provider],
    entries: Sequence[Pronunciation] = (),
) -> Revision:
    """A script and its takes as a request wants them changed. `entries`: how its user has words said.

    Raises:
        InvalidRequest: with all problems of the request, and of the script that would come of it.
    """
    problems = Problems()
    asked: Sequence[RevisedTurnBody | None] = read_fields(RevisionRequest, body, problems).get("turns", ())
    changes = [_Change(place, turn) for place, turn in enumerate(asked) if turn is not None]
    for problem in _change_problems(changes, turns=len(script.turns)):
        problems.add(problem)
    by_index = {change.turn.index: change for change in changes}
    code, revised = ErrorCode.VALIDATION_ERROR, script
    try:
        revised = script_of(_changed_params(script, by_index), providers, entries)
    except InvalidRequest as refusal:
        code = refusal.code if not problems.found else code
        for problem in refusal.problems:
            problems.add(Problem(_field_in_the_request(problem.field, by_index), problem.text))
    if problems.found:
        raise InvalidRequest(problems.found, code)
    return Revision(revised, _changed_takes(script, revised, takes, by_index))


def _change_problems(changes: Sequence[_Change], turns: int) -> Iterator[Problem]:
    times = Counter(change.turn.index for change in changes)
    for change in changes:
        field, index = f"turns[{change.place}]", change.turn.index
        if index >= turns:
            yield Problem(f"{field}.index", Text(f"須為 0 到 {turns - 1}", f"must be from 0 to {turns - 1}"))
        elif times[index] > 1:
            yield Problem(f"{field}.index", Text(f"{index} 重複了", f"{index} is there more than once"))
        if change.is_none:
            yield Problem(field, Text("沒有要改的內容", "changes nothing: give text, voice_id or speak_again"))


def _changed_params(script: Script, changes: Mapping[int, _Change]) -> Mapping[str, Any]:
    """The body of POST /jobs that would make the revised job."""
    params = script.as_json()
    for turn, line in zip(script.turns, params["turns"], strict=True):
        change = changes.get(turn.index)
        if change is None:
            continue
        text, voice_id = change.turn.text, change.turn.voice_id
        if text is not None:
            line["text"] = text
        if voice_id == script.voice_of(turn.speaker):
            line.pop("voice_id", None)
        elif voice_id is not None:
            line["voice_id"] = voice_id
    return params


def _field_in_the_request(field: str, changes: Mapping[int, _Change]) -> str:
    """Where a problem of the revised script can be mended. What the request does not hold is in the job's input."""
    match = _TURN.fullmatch(field)
    if match is None:
        return field if field == "turns" else f"input_params.{field}"
    change = changes.get(int(match[1]))
    return f"turns[{change.place}]{match[2]}" if change is not None else f"input_params.{field}"


def _changed_takes(
    before: Script, after: Script, takes: Mapping[int, str], changes: Mapping[int, _Change]
) -> Mapping[int, str]:
    """A turn keeps its take as long as it says the same in the same voice and is not to be spoken again."""
    kept = {index: take for index, take in takes.items() if _sound(before, index) == _sound(after, index)}
    again = secrets.token_hex(8)
    return kept | {index: again for index, change in changes.items() if change.turn.speak_again}


def _sound(script: Script, index: int) -> tuple[str, str, float, str | None]:
    turn = script.turns[index]
    return turn.text, script.voice_for(turn), script.speed_for(turn), script.style_for(turn)
