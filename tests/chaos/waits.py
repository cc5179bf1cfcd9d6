"""How long fresh jobs waited while a healthy worker was beside them, and under which faults.

Of three workers two are struck at a time at most, so one is always healthy: unless the database or the broker is away,
without which nobody can begin a job. That time is taken off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final
from uuid import UUID

from sqlalchemy import Engine, text

from tests.chaos.faults.injector import Fault

#: A fresh job is begun within this, whatever happens to all workers but one.
LONGEST_WAIT_S: Final = 25.0
#: Without these no worker can begin a job.
_NEEDED: Final = frozenset({"postgres", "rabbitmq"})
#: So long after its healing a fault may still be felt: processes start, connections are made.
_AFTERMATH_S: Final = 5.0

#: The audit writes down when each move was made, by a clock that no fault steps.
_QUERY: Final = """
SELECT job_id,
    extract(epoch FROM min(at) FILTER (WHERE before = ''))::float AS accepted_at,
    extract(epoch FROM min(at) FILTER (WHERE after LIKE 'processing %'))::float AS begun_at
FROM moves GROUP BY job_id
HAVING count(*) FILTER (WHERE after LIKE 'processing %') > 0
"""


@dataclass(frozen=True, slots=True)
class Wait:
    """A job's time from its acceptance until a worker began, both in seconds since 1970."""

    job_id: UUID
    accepted_at: float
    begun_at: float

    def healthy_s(self, faults: Sequence[Fault]) -> float:
        """How long it was with a healthy worker beside it."""
        away = [(fault.begun_at, fault.healed_at) for fault in faults if fault.kind.part in _NEEDED]
        waited_s, since = 0.0, self.accepted_at
        for begun_at, healed_at in sorted(away):
            waited_s += max(0.0, min(begun_at, self.begun_at) - since)
            since = max(since, healed_at)
        return waited_s + max(0.0, self.begun_at - since)

    def met(self, fault: Fault) -> bool:
        """Whether the fault was going on meanwhile, or had just been healed."""
        return fault.begun_at < self.begun_at and self.accepted_at < fault.healed_at + _AFTERMATH_S


def waits_of(engine: Engine) -> Sequence[Wait]:
    """Of every job that was begun."""
    with engine.connect() as connection:
        return [Wait(row.job_id, row.accepted_at, row.begun_at) for row in connection.execute(text(_QUERY))]


def longest_waits(waits: Sequence[Wait], faults: Sequence[Fault]) -> Mapping[str, float]:
    """Of each kind of fault that struck: the longest wait of a fresh job that met it, in seconds.

    Faults overlap, so what one kind did counts for those beside it, too.
    """
    longest = dict.fromkeys((fault.kind.name for fault in faults), 0.0)
    for wait in waits:
        healthy_s = wait.healthy_s(faults)
        for name in {fault.kind.name for fault in faults if wait.met(fault)}:
            longest[name] = max(longest[name], healthy_s)
    return longest


def too_long(waits: Sequence[Wait], faults: Sequence[Fault]) -> Iterator[str]:
    """The waits that were longer than is allowed, longest first, each with the faults that it met."""
    measured = sorted(((wait.healthy_s(faults), wait) for wait in waits), key=itemgetter(0), reverse=True)
    for healthy_s, wait in measured:
        if healthy_s > LONGEST_WAIT_S:
            kinds = ", ".join(sorted({fault.kind.name for fault in faults if wait.met(fault)}))
            yield f"{wait.job_id} waited {healthy_s:.1f} s for a healthy worker; meanwhile: {kinds or 'nothing'}"
