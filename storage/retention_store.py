"""RetentionStore: rows and objects that have had their time, in batches that stay small however many there are.

An object goes before its row: a row without its object is found again, an object without its row is not. So each batch
is found, its objects are deleted by whoever asked, and then its rows are forgotten. Every method is idempotent and safe
beside a second scheduler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Engine,
    Select,
    Uuid,
    and_,
    any_,
    delete,
    exists,
    func,
    literal,
    select,
    text,
    tuple_,
    update,
)

from storage.engine import reading, transaction
from storage.stages import ACTIVE
from storage.statements import Clock, database_clock, free_among
from storage.tables import UNFINISHED_SEGMENT, audio_files, job_turns, jobs, segments

#: Rows in one statement: few enough that it takes some ten milliseconds, whatever foreign keys bring with it.
BATCH: Final = 200
#: Of overdue deletions so many are counted.
MOST_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class DoomedObject:
    """A row that is to go (of a job, an upload or a segment), and an object that must go before it."""

    id: UUID
    object_key: str


class RetentionStore:
    """What is past its time in PostgreSQL. One instance may be shared by threads."""

    def __init__(self, engine: Engine, clock: Clock = database_clock) -> None:
        self._engine = engine
        self._now = clock

    def expired_jobs(self) -> Iterator[Sequence[UUID]]:
        """Jobs that have been kept long enough, oldest first, in batches. Each is met once, also one that stays."""
        met: tuple[datetime, UUID] | None = None
        while True:
            query = select(jobs.c.id, jobs.c.expires_at).where(jobs.c.expires_at < self._now())
            if met is not None:
                query = query.where(tuple_(jobs.c.expires_at, jobs.c.id) > tuple_(*met))
            with reading(self._engine) as connection:
                rows = connection.execute(query.order_by(jobs.c.expires_at, jobs.c.id).limit(BATCH)).all()
            if rows:
                yield [row.id for row in rows]
                met = rows[-1].expires_at, rows[-1].id
            if len(rows) < BATCH:
                return

    def audio_of(self, job_ids: Sequence[UUID]) -> Sequence[DoomedObject]:
        """Every object that was ever begun for these jobs, each with its job's id."""
        query = select(audio_files.c.job_id.label("id"), audio_files.c.object_key)
        return self._doomed(query.where(_among(audio_files.c.job_id, job_ids)))

    def forget_jobs(self, job_ids: Sequence[UUID]) -> int:
        """Delete the rows of expired jobs whose objects are gone, with their files and turns; how many there were.

        A row that another session holds, as one does that resubmits the job, is left to the next sweep.
        """
        expired = select(jobs.c.id).where(_among(jobs.c.id, job_ids), jobs.c.expires_at < self._now())
        with transaction(self._engine) as connection:
            return connection.execute(delete(jobs).where(free_among(jobs.c.id, expired))).rowcount

    def abandoned_audio(self, *, after: timedelta) -> Sequence[DoomedObject]:
        """Uploads of runs that are over, begun so long ago that no dead worker's bytes can still arrive. A batch."""
        running = exists().where(jobs.c.id == audio_files.c.job_id, jobs.c.attempt == audio_files.c.attempt)
        still_owned = running.where(jobs.c.lease_token.is_not(None))
        query = (
            select(audio_files.c.id, audio_files.c.object_key)
            .where(audio_files.c.state == "uploading", audio_files.c.created_at < self._now() - after, ~still_owned)
            .order_by(audio_files.c.created_at)
            .limit(BATCH)
        )
        return self._doomed(query)

    def forget_audio(self, file_ids: Sequence[UUID]) -> int:
        """Delete the rows of abandoned uploads whose objects are gone; how many there were."""
        gone = and_(_among(audio_files.c.id, file_ids), audio_files.c.state == "uploading")
        with transaction(self._engine) as connection:
            return connection.execute(delete(audio_files).where(gone)).rowcount

    def doomed_segments(self, *, unused_for: timedelta, abandoned_after: timedelta) -> Iterator[Sequence[DoomedObject]]:
        """Segments that are to be deleted, in batches; nobody finds them any more once they are here.

        First those that an earlier sweep has marked and not deleted, each met once; then those that no active job has
        and nobody used for so long; then those whose owner gave up or died, once no bytes of theirs can arrive.
        """
        yield from self._marked_segments()
        in_use = exists().where(
            job_turns.c.segment_id == segments.c.id, jobs.c.id == job_turns.c.job_id, jobs.c.status.in_(ACTIVE)
        )
        unused = and_(segments.c.state == "stored", segments.c.last_used_at < self._now() - unused_for, ~in_use)
        yield from self._mark_segments(unused, segments.c.last_used_at)
        abandoned = and_(text(UNFINISHED_SEGMENT), segments.c.created_at < self._now() - abandoned_after)
        yield from self._mark_segments(abandoned, segments.c.created_at)

    def forget_segments(self, segment_ids: Sequence[UUID]) -> int:
        """Delete the rows of expired segments whose objects are gone; how many there were."""
        gone = and_(_among(segments.c.id, segment_ids), segments.c.state == "expired")
        with transaction(self._engine) as connection:
            return connection.execute(delete(segments).where(gone)).rowcount

    def overdue(self, *, by: timedelta) -> dict[str, int]:
        """What should be gone and still is there, each counted to `MOST_COUNTED`.

        `jobs`: expired so long ago. `segments`: marked for deletion and not deleted, outside of a running sweep. More
        than none means that the object store refuses something, or that no scheduler runs.
        """
        late_jobs = select(jobs.c.id).where(jobs.c.expires_at < self._now() - by)
        late_segments = select(segments.c.id).where(segments.c.state == "expired")
        counts = {"jobs": late_jobs, "segments": late_segments}
        with reading(self._engine) as connection:
            return {
                kind: connection.execute(
                    select(func.count()).select_from(late.limit(MOST_COUNTED).subquery())
                ).scalar_one()
                for kind, late in counts.items()
            }

    def _marked_segments(self) -> Iterator[Sequence[DoomedObject]]:
        met: UUID | None = None
        while True:
            query = select(segments.c.id, segments.c.object_key).where(segments.c.state == "expired")
            if met is not None:
                query = query.where(segments.c.id > met)
            batch = self._doomed(query.order_by(segments.c.id).limit(BATCH))
            if batch:
                yield batch
                met = batch[-1].id
            if len(batch) < BATCH:
                return

    def _mark_segments(
        self, which: ColumnElement[bool], oldest_first: ColumnElement[Any]
    ) -> Iterator[Sequence[DoomedObject]]:
        while True:
            batch = select(segments.c.id).where(which).order_by(oldest_first).limit(BATCH)
            # What a job is just taking for itself is not unused, and is not waited for.
            marked = update(segments).where(free_among(segments.c.id, batch)).values(state="expired")
            with transaction(self._engine) as connection:
                rows = connection.execute(marked.returning(segments.c.id, segments.c.object_key)).all()
            if not rows:
                return
            yield [DoomedObject(row.id, row.object_key) for row in rows]

    def _doomed(self, query: Select[Any, Any]) -> Sequence[DoomedObject]:
        with reading(self._engine) as connection:
            return [DoomedObject(row.id, row.object_key) for row in connection.execute(query)]


def _among(column: ColumnElement[UUID], ids: Sequence[UUID]) -> ColumnElement[bool]:
    # One array, not hundreds of parameters: those take longer to write down than the statement takes to run.
    return column == any_(literal(list(ids), ARRAY(Uuid)))
