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
from service.http.json_body import as_list, as_object, as_text, as_whole, read_model
from service.http.messages import ErrorCode
from service.requests.job_request import first_of_each_field, script_of
from service.requests.schemas import RevisionRequest
from storage.jobs import Script

_TURN: Final = re.compile(r"turns\[(\d+)\](.*)")


@dataclass(frozen=True, slots=True)
class Revision:
    """A script, and the turns of it that have a take of their own: turn index → its name."""

    script: Script
    takes: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to become of one turn, as far as it can be read. `place`: where in the request it stands."""

    place: int
    index: int | None
    text: str | None
    voice_id: str | None
    speak_again: bool

    @property
    def is_none(self) -> bool:
        return self.text is None and self.voice_id is None and not self.speak_again


def revision_of(script: Script, takes: Mapping[int, str], body: Any, providers: Mapping[str, Provider]) -> Revision:
    """A script and its takes as a request wants them changed.

    Raises:
        InvalidRequest: with all problems of the request, and of the script that would come of it.
    """
    request, problems = read_model(RevisionRequest, body)
    changes = _changes(body)
    problems += _change_problems(changes, turns=len(script.turns), broken={problem.field for problem in problems})
    by_index = {change.index: change for change in changes if change.index is not None}
    params = _changed_params(script, by_index)
    code, revised = ErrorCode.VALIDATION_ERROR, script
    try:
        revised = script_of(params, providers)
    except InvalidRequest as refusal:
        code = refusal.code if not problems else code
        problems += [_in_the_request(problem, by_index) for problem in refusal.problems]
    if request is None or problems:
        raise InvalidRequest(first_of_each_field(problems), code)
    return Revision(revised, _changed_takes(script, revised, takes, by_index))


def _changes(body: Any) -> Sequence[_Change]:
    items = [as_object(item) for item in as_list(as_object(body).get("turns"))]
    return [
        _Change(
            place,
            as_whole(item.get("index")),
            as_text(item.get("text")),
            as_text(item.get("voice_id")),
            item.get("speak_again") is True,
        )
        for place, item in enumerate(items)
    ]


def _change_problems(changes: Sequence[_Change], turns: int, broken: set[str]) -> Iterator[Problem]:
    times = Counter(change.index for change in changes)
    for change in changes:
        field = f"turns[{change.place}]"
        if change.index is not None and not 0 <= change.index < turns:
            yield Problem(f"{field}.index", Text(f"須為 0 到 {turns - 1}", f"must be from 0 to {turns - 1}"))
        elif change.index is not None and times[change.index] > 1:
            yield Problem(f"{field}.index", Text(f"{change.index} 重複了", f"{change.index} is there more than once"))
        if change.is_none and not any(name.startswith(field) for name in broken):
            yield Problem(field, Text("沒有要改的內容", "changes nothing: give text, voice_id or speak_again"))


def _changed_params(script: Script, changes: Mapping[int, _Change]) -> Mapping[str, Any]:
    """The body of POST /jobs that would make the revised job."""
    params = script.as_json()
    for turn, line in zip(script.turns, params["turns"], strict=True):
        change = changes.get(turn.index)
        if change is None:
            continue
        if change.text is not None:
            line["text"] = change.text
        if change.voice_id == script.voice_of(turn.speaker):
            line.pop("voice_id", None)
        elif change.voice_id is not None:
            line["voice_id"] = change.voice_id
    return params


def _in_the_request(problem: Problem, changes: Mapping[int, _Change]) -> Problem:
    """A problem of the revised script. What the request does not hold is in the job's `input_params`."""
    match = _TURN.fullmatch(problem.field)
    if match is None:
        field = problem.field if problem.field == "turns" else f"input_params.{problem.field}"
    elif (change := changes.get(int(match[1]))) is not None:
        field = f"turns[{change.place}]{match[2]}"
    else:
        field = f"input_params.{problem.field}"
    return Problem(field, problem.text)


def _changed_takes(
    before: Script, after: Script, takes: Mapping[int, str], changes: Mapping[int, _Change]
) -> Mapping[int, str]:
    """A turn keeps its take as long as it says the same in the same voice and is not to be spoken again."""
    kept = {index: take for index, take in takes.items() if _sound(before, index) == _sound(after, index)}
    again = secrets.token_hex(8)
    return kept | {index: again for index, change in changes.items() if change.speak_again}


def _sound(script: Script, index: int) -> tuple[str, str]:
    turn = script.turns[index]
    return turn.text, script.voice_for(turn)
