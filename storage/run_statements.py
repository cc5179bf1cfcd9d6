"""The statements of a run, built once: what `run_store.py` has a worker do with its job most often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Float,
    Interval,
    and_,
    bindparam,
    cast,
    extract,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.dml import UpdateBase

from storage.jobs import Claim
from storage.prepared import Prepared, given
from storage.stages import WORK, JobStatus, Stage
from storage.statements import ENDED, Clock
from storage.tables import audio_files, job_turns, jobs, segments


class RunStatements:
    """Made for a clock. `part_columns`: what is written down of each turn that has audio."""

    def __init__(self, clock: Clock, part_columns: Iterable[str]) -> None:
        self._now = clock
        self.take = {stage: Prepared(self._taking(stage)) for stage in WORK}
        self.stored_segments = Prepared(
            select(job_turns.c.turn_index, segments.c.object_key)
            .join(segments, segments.c.id == job_turns.c.segment_id)
            .where(job_turns.c.job_id == given("job_id", jobs.c.id), segments.c.state == "stored")
        )
        held = fence(_GIVEN)
        self.hold = Prepared(select(jobs.c.id).where(held).with_for_update())
        self.count_turns = Prepared(update(jobs).where(held).values(turns_done=TURNS_DONE))
        self.record_parts = Prepared(_recording(part_columns))
        due_now = {"lease_token": None, "next_run_at": clock(), "last_published_at": None}
        self.hand_over = Prepared(update(jobs).where(held).values(stage=given("to_stage", jobs.c.stage), **due_now))
        self.intend = Prepared(self._intending())
        self.complete = Prepared(update(jobs).where(held).values(self._completed_values()))
        self.store_file = Prepared(
            update(audio_files)
            .where(audio_files.c.id == given("file_id", audio_files.c.id))
            .values(
                state="stored",
                size_bytes=given("size", audio_files.c.size_bytes),
                duration_ms=given("duration", audio_files.c.duration_ms),
                peaks=given("waveform", audio_files.c.peaks),
            )
        )

    def _taking(self, stage: Stage) -> UpdateBase:
        token = given("token", jobs.c.lease_token)
        is_due = and_(
            tuple_(jobs.c.status, jobs.c.stage).in_(WORK[stage].waits_at),
            jobs.c.next_run_at <= self._now(),
            or_(jobs.c.deadline_at.is_(None), jobs.c.deadline_at > self._now()),
        )
        return (
            update(jobs)
            .where(jobs.c.id == given("job_id", jobs.c.id), or_(is_due, jobs.c.lease_token == token))
            .values(
                status=JobStatus.PROCESSING,
                stage=stage,
                attempt=jobs.c.attempt + 1,
                lease_token=token,
                heartbeat=jobs.c.heartbeat + 1,
                next_run_at=None,
                started_at=func.coalesce(jobs.c.started_at, self._now()),
                deadline_at=func.coalesce(jobs.c.deadline_at, self._now() + _DEADLINE),
            )
            .returning(
                jobs.c.id,
                jobs.c.user_id,
                jobs.c.attempt,
                jobs.c.lease_token,
                jobs.c.input_params,
                jobs.c.takes,
                jobs.c.retry_count,
                cast(extract("epoch", jobs.c.deadline_at - self._now()), Float),
            )
        )

    def _intending(self) -> Insert:
        intent = upsert(audio_files).values(
            id=given("file_id", audio_files.c.id),
            job_id=given("of_job", audio_files.c.job_id),
            attempt=given("of_attempt", audio_files.c.attempt),
            object_key=given("object_key", audio_files.c.object_key),
            content_type=given("content_type", audio_files.c.content_type),
            state="uploading",
            created_at=self._now(),
        )
        return intent.on_conflict_do_nothing()

    def _completed_values(self) -> Mapping[str, Any]:
        latency_ms = func.greatest(cast(extract("epoch", self._now() - jobs.c.started_at) * 1000, BigInteger), 0)
        counted = func.jsonb_build_object(
            "latency_ms",
            latency_ms,
            "billed_characters",
            _sum_over_turns(job_turns.c.billed_characters),
            "cached_characters",
            _sum_over_turns(job_turns.c.cached_characters),
        )
        return {
            "status": JobStatus.COMPLETED,
            "audio_file_id": given("file_id", audio_files.c.id),
            "result_metadata": given("metadata", jobs.c.result_metadata).op("||")(counted),
            "completed_at": self._now(),
            "expires_at": self._now() + _RETENTION,
            **ENDED,
        }


@dataclass(frozen=True, slots=True)
class _GivenClaim:
    """The claim that a statement with the fence is given; see `shown`."""

    job_id: ColumnElement[Any]
    attempt: ColumnElement[Any]
    lease_token: ColumnElement[Any]


_GIVEN: Final = _GivenClaim(
    given("job_id", jobs.c.id), given("held_attempt", jobs.c.attempt), given("held", jobs.c.lease_token)
)


def fence(claim: Claim | _GivenClaim) -> ColumnElement[bool]:
    """Whether a row is still this claim's."""
    return and_(
        jobs.c.id == claim.job_id,
        jobs.c.attempt == claim.attempt,
        jobs.c.lease_token == claim.lease_token,
    )


def shown(claim: Claim) -> Mapping[str, Any]:
    """What a statement with the fence is given."""
    return {"job_id": claim.job_id, "held_attempt": claim.attempt, "held": claim.lease_token}


def _recording(names: Iterable[str]) -> Insert:
    names = list(names)
    lists = [bindparam(name, None, type_=ARRAY(job_turns.c[name].type)) for name in names]
    parts = func.unnest(*lists).table_valued(*(job_turns.c[name] for name in names)).render_derived(name="parts")
    rows = select(given("turns_of", job_turns.c.job_id), *(parts.c[name] for name in names))
    spoken = upsert(job_turns).from_select(["job_id", *names], rows)
    return spoken.on_conflict_do_update(
        index_elements=[job_turns.c.job_id, job_turns.c.turn_index],
        set_={
            "segment_id": spoken.excluded.segment_id,
            # A turn that is spoken again because its segment was lost is paid for twice.
            "billed_characters": job_turns.c.billed_characters + spoken.excluded.billed_characters,
            "cached_characters": spoken.excluded.cached_characters,
        },
        where=job_turns.c.segment_id.is_(None),
    )


def _sum_over_turns(column: ColumnElement[int]) -> ColumnElement[int]:
    of_job = select(func.coalesce(func.sum(column), 0)).where(job_turns.c.job_id == jobs.c.id)
    return of_job.correlate(jobs).scalar_subquery()


_DEADLINE: Final = bindparam("deadline", None, type_=Interval)
_RETENTION: Final = bindparam("kept_for", None, type_=Interval)
TURNS_DONE: Final = (
    select(func.count())
    .where(job_turns.c.job_id == jobs.c.id, job_turns.c.segment_id.is_not(None))
    .correlate(jobs)
    .scalar_subquery()
)
