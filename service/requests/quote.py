"""What POST /jobs/quote answers: what of a job would be refused, warned of, billed and waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from actors.lexicon import lexicon_of
from actors.providers.problem import Language, Problem, Text
from actors.quote import Quote, quote
from service.http.errors import InvalidRequest
from service.requests.job_request import script_of
from service.requests.schemas import ProblemBody
from service.requests.warnings import told, warnings_of
from service.resources import Resources
from service.settings import Price
from storage.jobs import Script

#: Prices are for so many characters.
_MILLION: Final = 1_000_000

_NO_SLOT: Final = Text(
    "目前有 {current} 個進行中的工作，已達上限 {most}：等其中一個結束才能提交",
    "{current} jobs are under way, and {most} are allowed: it can be submitted when one of them has ended",
)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Characters(_Answer):
    """Characters of text. `billed`: what a vendor is asked for; `cached`: what is there already, or is said twice."""

    total: int
    cached: int
    billed: int


class PriceBody(_Answer):
    """What a provider would cost. `characters`: those that are billed."""

    provider: str
    characters: int
    amount: float
    currency: str


class QuoteBody(_Answer):
    """What a job would be, were it submitted now. Of one that is not `valid` there is nothing but its `problems`."""

    valid: bool
    problems: list[ProblemBody]
    warnings: list[ProblemBody]
    characters: Characters | None
    estimated_duration_ms: int | None = Field(description="of the audio")
    estimated_wait_ms: int | None = Field(description="until it is begun, as jobs have waited in the last minutes")
    prices: list[PriceBody] = Field(description="of providers whose price the operator has set")


def quote_of(body: Any, resources: Resources, prices: Sequence[Price], user_id: UUID, language: Language) -> QuoteBody:
    """The answer to a body.

    Raises:
        InvalidRequest: it is no object.
    """
    if not isinstance(body, dict):
        raise InvalidRequest([Problem("body", Text("須為物件", "must be an object"))])
    entries = resources.stores.lexicons.all_of(user_id)
    try:
        script = script_of(body, resources.providers, entries)
    except InvalidRequest as refusal:
        return _refused(refusal, language)
    provider, segments = resources.providers[script.provider], resources.stores.segments
    found = quote(
        script, provider, lexicon_of(entries, script.language), lambda digests: segments.stored(user_id, digests)
    )
    return QuoteBody(
        valid=True,
        problems=[],
        warnings=[
            *told(_slot_problems(resources, user_id), language),
            *warnings_of(script, resources.providers, language),
        ],
        characters=Characters(total=found.total, cached=found.cached, billed=found.billed),
        estimated_duration_ms=found.duration_ms,
        estimated_wait_ms=resources.stores.jobs.recent_wait_ms(),
        prices=_prices(script, found, prices),
    )


def _refused(refusal: InvalidRequest, language: Language) -> QuoteBody:
    return QuoteBody(
        valid=False,
        problems=told(refusal.problems, language),
        warnings=[],
        characters=None,
        estimated_duration_ms=None,
        estimated_wait_ms=None,
        prices=[],
    )


def _slot_problems(resources: Resources, user_id: UUID) -> Sequence[Problem]:
    current, most = resources.stores.jobs.active_of(user_id), resources.stores.rules.max_active_jobs
    return [Problem("body", _NO_SLOT.filled(current=current, most=most))] if current >= most else []


def _prices(script: Script, found: Quote, prices: Sequence[Price]) -> list[PriceBody]:
    return [
        PriceBody(
            provider=price.provider,
            characters=found.billed,
            amount=float(round(price.per_million * found.billed / _MILLION, 6)),
            currency=price.currency,
        )
        for price in prices
        if price.provider == script.provider
    ]
