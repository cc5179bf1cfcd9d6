"""What of a job will not be as it was asked, though it is accepted: the `warnings` of an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from actors.providers.delivery import undeliverable
from actors.providers.problem import Language, Problem
from actors.providers.provider import Provider
from service.requests.schemas import ProblemBody
from storage.jobs import Script

#: A job is told so many. More say nothing that is new.
MAX_WARNINGS: Final = 100


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
