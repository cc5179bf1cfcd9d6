"""What of a job will not be as it was asked, though it is accepted: the `warnings` of an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from actors.directions import Words, reading_of
from actors.providers.delivery import left_out, undeliverable
from actors.providers.problem import Language, Problem, Text
from actors.providers.provider import Provider
from service.requests.schemas import ProblemBody
from storage.jobs import Script

#: A job is told so many. More say nothing that is new.
MAX_WARNINGS: Final = 100

_NOT_READ: Final = Text(
    "{direction} 是給演員的指示，不會朗讀；若要照字面朗讀，請在括號前加反斜線",
    "{direction} is for an actor and is not read aloud; to have it read put a backslash before its brackets",
)


def warnings_of(script: Script, providers: Mapping[str, Provider], language: Language) -> list[ProblemBody]:
    """What of a script will not be as it was asked; of a provider that is not there any more, nothing is known."""
    provider = providers.get(script.provider)
    found = _warnings(script, provider) if provider is not None else ()
    return told(list(islice(found, MAX_WARNINGS)), language)


def told(problems: Sequence[Problem], language: Language) -> list[ProblemBody]:
    """Problems as a client reads them."""
    return [ProblemBody(field=problem.field, message=problem.text(language)) for problem in problems]


def _warnings(script: Script, provider: Provider) -> Iterator[Problem]:
    yield from undeliverable(script, provider)
    yield from _directions_left_out(script, provider)


def _directions_left_out(script: Script, provider: Provider) -> Iterator[Problem]:
    """Each of them once: a script may have the same in every line."""
    told: set[str] = set()
    for turn in script.turns:
        reading, voice_id = reading_of(turn.text), script.voice_for(turn)
        for written in reading.left_out:
            if written not in told:
                told.add(written)
                yield Problem(f"turns[{turn.index}].text", _NOT_READ.filled(direction=written))
        for style in dict.fromkeys(part.style for part in reading.parts if isinstance(part, Words) and part.style):
            if style not in told and (text := left_out(style, voice_id, provider)):
                told.add(style)
                yield Problem(f"turns[{turn.index}].text", text)
