"""SweepStore: what the scheduler does with jobs that nobody looks after any more.

Every method is idempotent and safe beside a second scheduler: a guarded statement changes a row once, whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, and_, or_, select, update

from storage.engine import reading, require_writable, transaction
from storage.jobs import FailureReason
from storage.rules import JobRules
from storage.stages import JobStatus, Stage, due_for
from storage.statements import Clock, database_clock, failed_values
from storage.tables import jobs


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

    def due(self, *, overdue_s: float, republish_s: float, limit: int) -> Sequence[tuple[UUID, Stage]]:
        """Jobs whose message seems lost, with the stage they wait for: due for `overdue_s` seconds, and no message
        was sent within the last `republish_s` seconds. The longest waiting come first."""
        now = self._now()
        query = (
            select(jobs.c.id, jobs.c.status, jobs.c.stage)
            .where(
                jobs.c.next_run_at < now - timedelta(seconds=overdue_s),
                or_(
                    jobs.c.last_published_at.is_(None),
                    jobs.c.last_published_at < now - timedelta(seconds=republish_s),
                ),
            )
            .order_by(jobs.c.next_run_at)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [(row.id, due_for(row.status, row.stage)) for row in connection.execute(query)]

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
        """Fail a job whose worker is dead. False: it has beaten since, or the job has ended."""
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
        values = failed_values(reason, None, now=self._now(), retention=self._rules.retention)
        with transaction(self._engine) as connection:
            return connection.execute(update(jobs).where(which).values(**values)).rowcount
