"""RunStore: what a worker does with a job, from the claim to the end of its run.

Every write of a run shows the claim's `attempt` and `lease_token` (the fence). A worker that has lost its lease gets
`LeaseLost` and has written nothing.

An outage of the database is waited out, for work in hand is worth more than a quick error. Each method may therefore
be done twice: its answer can be lost after its commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    Engine,
    and_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from storage import run_statements
from storage.engine import outlasting_outages, reading, transaction
from storage.jobs import Claim, FailureReason, LeaseLost, Script
from storage.rules import JobRules
from storage.run_statements import TURNS_DONE, RunStatements, shown
from storage.stages import WORK, JobStatus, Stage, due_for
from storage.statements import Clock, database_clock, failed_values, takes_of
from storage.tables import job_turns, jobs, segments

#: Longest outage of the database that is waited out; a restart of PostgreSQL takes seconds.
OUTAGE_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class TurnPart:
    """How one turn came by its segment: what the vendor bills for it, or what the cache saved."""

    turn_index: int
    segment_id: UUID
    billed_characters: int
    cached_characters: int


class RunStore:
    """The runs of jobs in PostgreSQL. One instance may be shared by threads."""

    def __init__(
        self, engine: Engine, rules: JobRules, clock: Clock = database_clock, patience_s: float = OUTAGE_PATIENCE_S
    ) -> None:
        self._engine = engine
        self._rules = rules
        self._now = clock
        #: An outage that is shorter is waited out.
        self.patience_s = patience_s
        self._statements = RunStatements(clock, TurnPart.__dataclass_fields__)

    def impatient(self) -> RunStore:
        """The same runs, for a caller who would rather have an error at once than wait."""
        return RunStore(self._engine, self._rules, self._now, patience_s=0)

    def claim(self, job_id: UUID, stage: Stage) -> Claim | None:
        """Take a job that is due for a stage of work.

        None: it is not due, another worker has it, or it has ended. Such a message came twice or late.
        """
        return self._claim(job_id, stage, lease_token=uuid4())

    @outlasting_outages
    def _claim(self, job_id: UUID, stage: Stage, lease_token: UUID) -> Claim | None:
        with transaction(self._engine) as connection:
            row = self._statements.take[stage].row(
                connection, job_id=job_id, token=lease_token, deadline=self._rules.deadline
            )
        if row is None:
            return None
        _, user_id, attempt, token, input_params, takes, retry_count, remaining_s = row
        return Claim(
            job_id=job_id,
            user_id=user_id,
            stage=stage,
            attempt=attempt,
            lease_token=token,
            script=Script.from_json(input_params),
            retry_count=retry_count,
            remaining_s=remaining_s,
            takes=takes_of(takes),
        )

    def beat(self, leases: Mapping[UUID, UUID]) -> set[UUID]:
        """Bump the heartbeat of each job (job id → lease token); the ids of those that are still ours."""
        held = tuple_(jobs.c.id, jobs.c.lease_token).in_(list(leases.items()))
        beaten = update(jobs).where(held).values(heartbeat=jobs.c.heartbeat + 1).returning(jobs.c.id)
        with transaction(self._engine) as connection:
            return set(connection.execute(beaten).scalars())

    @outlasting_outages
    def stored_segments(self, claim: Claim) -> Mapping[int, str]:
        """The turns of this job that have audio: turn index → object key of the segment."""
        with reading(self._engine) as connection:
            return dict(self._statements.stored_segments.rows(connection, job_id=claim.job_id))

    @outlasting_outages
    def record_turns(self, claim: Claim, parts: Sequence[TurnPart]) -> None:
        """Write down that these turns have audio now.

        Raises:
            LeaseLost: the run is over; nothing was written.
        """
        with transaction(self._engine) as connection:
            # The row is locked first, so that the count is of what every thread of the run has committed.
            self._hold(connection, claim)
            columns = {name: [getattr(part, name) for part in parts] for name in TurnPart.__dataclass_fields__}
            self._statements.record_parts.count(connection, turns_of=claim.job_id, **columns)
            _require_one(self._statements.count_turns.count(connection, **shown(claim)), claim)

    @outlasting_outages
    def record_billed(self, claim: Claim, turn_index: int, characters: int) -> None:
        """Write down what a turn of several pieces has cost so far, before it has audio.

        Raises:
            LeaseLost: as for `record_turns`.
        """
        so_far = upsert(job_turns).values(
            job_id=claim.job_id, turn_index=turn_index, billed_characters=characters, cached_characters=0
        )
        with transaction(self._engine) as connection:
            self._hold(connection, claim)
            connection.execute(
                so_far.on_conflict_do_update(
                    index_elements=[job_turns.c.job_id, job_turns.c.turn_index],
                    set_={"billed_characters": so_far.excluded.billed_characters},
                    where=job_turns.c.segment_id.is_(None),
                )
            )

    @outlasting_outages
    def billed_characters(self, claim: Claim, turn_indexes: Sequence[int]) -> Mapping[int, int]:
        """What these turns have cost so far, those that have cost something."""
        query = select(job_turns.c.turn_index, job_turns.c.billed_characters).where(
            job_turns.c.job_id == claim.job_id,
            job_turns.c.turn_index.in_(turn_indexes),
            job_turns.c.billed_characters > 0,
        )
        with reading(self._engine) as connection:
            return {row.turn_index: row.billed_characters for row in connection.execute(query)}

    @outlasting_outages
    def retry(self, claim: Claim, delay_s: float) -> None:
        """Let go of the job; it is due again, to be spoken, in `delay_s` seconds.

        Raises:
            LeaseLost: as for `record_turns`.
        """
        values = {"stage": Stage.RETRYING, "retry_count": jobs.c.retry_count + 1}
        with transaction(self._engine) as connection:
            self._write(connection, claim, values | self._due_in(delay_s))

    @outlasting_outages
    def wait_for_storage(self, claim: Claim, delay_s: float) -> None:
        """Let go of the job while the object store is away; it is due again in `delay_s` seconds. Not a retry.

        Raises:
            LeaseLost: as for `record_turns`.
        """
        values = {"stage": WORK[claim.stage].waits_again_at}
        with transaction(self._engine) as connection:
            self._write(connection, claim, values | self._due_in(delay_s))

    @outlasting_outages
    def hand_over(self, claim: Claim) -> Stage:
        """A stage of work is done: the job is due for the next one, which is given back.

        Raises:
            LeaseLost: as for `record_turns`.
        """
        following = WORK[claim.stage].then
        if following is None:
            raise ValueError(f"nothing follows {claim.stage}")
        with transaction(self._engine) as connection:
            _require_one(self._statements.hand_over.count(connection, to_stage=following, **shown(claim)), claim)
        return following

    @outlasting_outages
    def speak_again(self, claim: Claim, missing_turns: Sequence[int]) -> Stage:
        """Segments of these turns cannot be had: the job goes back to the stage that speaks, which is given back.

        Raises:
            LeaseLost: as for `record_turns`.
        """
        gone = and_(job_turns.c.job_id == claim.job_id, job_turns.c.turn_index.in_(missing_turns))
        with transaction(self._engine) as connection:
            self._hold(connection, claim)
            connection.execute(
                update(segments)
                .where(segments.c.id.in_(select(job_turns.c.segment_id).where(gone)))
                .values(state="expired")
            )
            connection.execute(update(job_turns).where(gone).values(segment_id=None))
            values = {"stage": Stage.RETRYING, "turns_done": TURNS_DONE}
            self._write(connection, claim, values | self._due_in(0))
        return due_for(JobStatus.PROCESSING, Stage.RETRYING)

    @outlasting_outages
    def begin_upload(self, claim: Claim, file_id: UUID, object_key: str, content_type: str) -> None:
        """Write down that an object is about to be made, so that it is known whatever happens next.

        Raises:
            LeaseLost: as for `record_turns`.
        """
        with transaction(self._engine) as connection:
            self._hold(connection, claim)
            self._statements.intend.count(
                connection,
                file_id=file_id,
                of_job=claim.job_id,
                of_attempt=claim.attempt,
                object_key=object_key,
                content_type=content_type,
            )

    @outlasting_outages
    def complete(
        self,
        claim: Claim,
        file_id: UUID,
        *,
        size_bytes: int,
        duration_ms: int,
        metadata: Mapping[str, Any],
        peaks: bytes | None = None,
    ) -> None:
        """The audio is in the object store: the job is completed.

        `metadata` is the rest of `result_metadata`; the latency and the characters are counted here. `peaks`: the
        waveform, which is kept with the audio.

        Raises:
            LeaseLost: the run is over; the caller deletes what it has uploaded.
        """
        with transaction(self._engine) as connection:
            completed = self._statements.complete.count(
                connection, file_id=file_id, metadata=dict(metadata), kept_for=self._rules.retention, **shown(claim)
            )
            if completed != 1:
                if self._is_completed_with(connection, claim.job_id, file_id):
                    return  # by this very call, whose answer was lost
                raise LeaseLost(claim.job_id)
            self._statements.store_file.count(
                connection, file_id=file_id, size=size_bytes, duration=duration_ms, waveform=peaks
            )

    @outlasting_outages
    def fail(self, claim: Claim, reason: FailureReason, detail: str | None = None) -> None:
        """The job has failed. `detail` is shown to its user behind the reason.

        Raises:
            LeaseLost: as for `record_turns`.
        """
        values = failed_values(reason, detail, now=self._now(), retention=self._rules.retention)
        with transaction(self._engine) as connection:
            self._write(connection, claim, values)

    @staticmethod
    def _is_completed_with(connection: Connection, job_id: UUID, file_id: UUID) -> bool:
        query = select(jobs.c.id).where(jobs.c.id == job_id, jobs.c.audio_file_id == file_id)
        return connection.execute(query).one_or_none() is not None

    def _hold(self, connection: Connection, claim: Claim) -> None:
        _require_one(len(self._statements.hold.rows(connection, **shown(claim))), claim)

    @staticmethod
    def _write(connection: Connection, claim: Claim, values: Mapping[str, Any]) -> None:
        _require_one(
            connection.execute(update(jobs).where(run_statements.fence(claim)).values(**values)).rowcount, claim
        )

    def _due_in(self, delay_s: float) -> dict[str, Any]:
        return {
            "lease_token": None,
            "next_run_at": self._now() + timedelta(seconds=delay_s),
            "last_published_at": None,
        }


def _require_one(rows: int, claim: Claim) -> None:
    if rows != 1:
        raise LeaseLost(claim.job_id)
