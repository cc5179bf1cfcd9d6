"""SweepStore: what the scheduler does with jobs that nobody looks after any more.

Every method is idempotent and safe beside a second scheduler: a guarded statement changes a row once, whoever asks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Engine, and_, case, extract, func, or_, select, update

from storage.engine import reading, require_writable, transaction
from storage.jobs import FailureReason
from storage.rules import JobRules
from storage.stages import ACTIVE, JobStatus, Stage, due_for
from storage.statements import Clock, database_clock, failed_values, free_among
from storage.tables import jobs

#: Rows that one statement fails: few enough that it takes some ten milliseconds.
BATCH: Final = 500
#: Between the clocks of a statement and of the row that it reads.
_SLACK: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Lease:
    """The claim that a job is worked on under, and how often its heartbeat has been bumped."""

    job_id: UUID
    attempt: int
    lease_token: UUID
    heartbeat: int


class SweepStore:
    """The scheduler's view of PostgreSQL."""

    def __init__(self, engine: Engine, rules: JobRules, clock: Clock = database_clock) -> None:
        self._engine = engine
        self._rules = rules
        self._now = clock

    # Jobs that are due.

    def due(
        self, *, overdue_s: float, republish_s: float, limit: int, longest_s: float = math.inf
    ) -> Sequence[tuple[UUID, Stage]]:
        """Jobs whose message seems lost, with the stage they wait for. The longest waiting come first.

        They have been due for `overdue_s` seconds. The first message is followed by another after `republish_s`
        seconds, and each later one after twice the time, up to `longest_s`: who waits for a worker is not helped by
        more. With `republish_s` 0 it does not matter when a message was sent.
        """
        now = self._now()
        query = select(jobs.c.id, jobs.c.status, jobs.c.stage).where(
            jobs.c.next_run_at < now - timedelta(seconds=overdue_s)
        )
        if republish_s > 0:
            # A message that follows its due time by 0, 20, 60, 140 s is followed in turn after 20, 40, 80, 160 s. The
            # row tells both times, and has new ones whenever the job is due anew.
            waited_s = func.greatest(extract("epoch", jobs.c.last_published_at - jobs.c.next_run_at), 0)
            pause_s = func.least(waited_s + republish_s, longest_s)
            sent_s_ago = extract("epoch", now - jobs.c.last_published_at)
            query = query.where(or_(jobs.c.last_published_at.is_(None), sent_s_ago > pause_s))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(jobs.c.next_run_at).limit(limit))
            return [(row.id, due_for(row.status, row.stage)) for row in rows]

    def set_times_right(self) -> int:
        """Pull back what lies further ahead than it can: the database's clock has gone back. How many jobs there were.

        Nothing waits beyond its deadline, a job that nobody has begun waits for nothing, and messages were sent before.
        """
        now = self._now()
        soon, latest = now + _SLACK, now + self._rules.deadline + _SLACK
        ahead = and_(
            jobs.c.status.in_(ACTIVE),
            or_(
                and_(jobs.c.status == JobStatus.PENDING, jobs.c.next_run_at > soon),
                jobs.c.next_run_at > latest,
                jobs.c.last_published_at > soon,
                jobs.c.deadline_at > latest,
            ),
        )
        return self._update(
            ahead,
            {
                "next_run_at": _where_set(jobs.c.next_run_at, now),
                "deadline_at": _where_set(jobs.c.deadline_at, now + self._rules.deadline),
                "last_published_at": None,
            },
        )

    # Jobs that nobody will finish.

    def leases(self) -> Sequence[Lease]:
        """Every job that a worker works on, or did until it died.

        Raises:
            DatabaseUnavailable: also for a database that can be read but takes no writes, so that no worker can beat.
        """
        query = select(jobs.c.id, jobs.c.attempt, jobs.c.lease_token, jobs.c.heartbeat).where(
            jobs.c.lease_token.is_not(None)
        )
        with reading(self._engine) as connection:
            require_writable(connection)
            return [Lease(row.id, row.attempt, row.lease_token, row.heartbeat) for row in connection.execute(query)]

    def interrupt(self, lease: Lease) -> bool:
        """Fail a job whose worker is dead. False: it has beaten since, the job has ended, or its row is held."""
        unchanged = and_(
            jobs.c.id == lease.job_id,
            jobs.c.attempt == lease.attempt,
            jobs.c.lease_token == lease.lease_token,
            jobs.c.heartbeat == lease.heartbeat,
        )
        return self._fail(unchanged, FailureReason.SYSTEM_INTERRUPTED) == 1

    def interrupt_all(self) -> int:
        """Fail every processing job: all workers of this system have just been started again (FR-018)."""
        return self._fail(jobs.c.status == JobStatus.PROCESSING, FailureReason.SYSTEM_INTERRUPTED)

    def time_out(self, *, margin_s: float) -> int:
        """Fail the jobs whose deadline passed `margin_s` seconds ago and whose worker has not said so itself."""
        overdue = and_(
            jobs.c.status == JobStatus.PROCESSING,
            jobs.c.deadline_at < self._now() - timedelta(seconds=margin_s),
        )
        return self._fail(overdue, FailureReason.TIMEOUT)

    def orphan(self, *, after: timedelta) -> int:
        """Fail the jobs that nobody has taken for so long."""
        forgotten = and_(jobs.c.status == JobStatus.PENDING, jobs.c.created_at < self._now() - after)
        return self._fail(forgotten, FailureReason.ORPHANED)

    def _fail(self, which: ColumnElement[bool], reason: FailureReason) -> int:
        """Fail these jobs; how many there were."""
        return self._update(which, failed_values(reason, None, now=self._now(), retention=self._rules.retention))

    def _update(self, which: ColumnElement[bool], values: Mapping[str, Any]) -> int:
        """Write this into these jobs, batch by batch, until there are none; how many there were.

        A row that another session holds is passed over: a worker that is frozen within a transaction may hold it, and
        must not keep the others waiting. The next sweep looks again.
        """
        found = select(jobs.c.id).where(which).limit(BATCH)
        statement = update(jobs).where(free_among(jobs.c.id, found)).values(**values)
        total = 0
        while True:
            with transaction(self._engine) as connection:
                written = connection.execute(statement).rowcount
            total += written
            if written < BATCH:
                return total


def _where_set(column: Column[datetime], latest: ColumnElement[datetime]) -> ColumnElement[Any]:
    """The time in a column, or `latest` if that is earlier; NULL stays NULL."""
    return case((column.is_not(None), func.least(column, latest)))
