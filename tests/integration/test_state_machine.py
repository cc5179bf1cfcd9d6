"""The stores against a model: Hypothesis makes up histories of jobs on a real PostgreSQL, and compares at each step.

The model says in plain Python what a job's life is. Workers die by just being heard of no more; claims that are stale
go on writing; messages come twice; clocks jump. An audit trigger refuses moves that are not in `TRANSITIONS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import DateTime, Engine, Row, bindparam, delete, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage import run_statements
from storage.engine import make_engine
from storage.job_store import JobStore
from storage.jobs import (
    LOCAL_USER_ID,
    Claim,
    FailureReason,
    IdempotencyKeyReused,
    JobCannotCancel,
    JobCannotResubmit,
    JobLimitExceeded,
    JobNotFound,
    LeaseLost,
    Script,
    Turn,
    new_id,
)
from storage.prepared import Prepared
from storage.retention_store import RetentionStore
from storage.rules import JobRules
from storage.run_store import RunStore, TurnPart
from storage.segment_store import SegmentIntent, SegmentStore
from storage.stages import ACTIVE, TRANSITIONS, WORK, JobStatus, Stage
from storage.statements import Clock
from storage.sweep_store import Lease, SweepStore
from storage.tables import audio_files, job_turns, jobs, segments, users
from tests.chaos import audit
from tests.samples import script

RULES: Final = JobRules()
ABANDONED_AFTER: Final = timedelta(minutes=30)
SEGMENTS_KEPT: Final = timedelta(days=7)
ORPHANED_AFTER: Final = timedelta(hours=24)
TIMEOUT_MARGIN_S: Final = 2.0
OVERDUE_S, REPUBLISH_S, LONGEST_REPUBLISH_S = 0.5, 30.0, 600.0

#: Two dialogues that have a line in common.
SCRIPTS: Final = (script("one", "two"), script("two"))
#: From one look to the next, or past a retry; and past a deadline, or past one of the times that things are kept.
MOMENTS: Final = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 20, 40))
AGES: Final = tuple(timedelta(minutes=minutes) for minutes in (11, 31, 25 * 60, 8 * 24 * 60, 31 * 24 * 60))

COMMON: Final = settings(
    derandomize=True,
    database=None,
    deadline=None,
    stateful_step_count=40,
    suppress_health_check=[*HealthCheck],  # pyright: ignore[reportArgumentType] # an enumeration of odd make
)


@dataclass(frozen=True)
class Sight:
    """All rows at one moment."""

    jobs: Sequence[Row[Any]]
    audio_files: Sequence[Row[Any]]
    segments: Sequence[Row[Any]]
    job_turns: Sequence[Row[Any]]


@dataclass
class Bench:
    """The stores of one database, and the clock that they all read."""

    engine: Engine
    another_user: UUID
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        def clock() -> Any:
            return bindparam(None, callable_=lambda: self.now, type_=DateTime(timezone=True))

        self.jobs = JobStore(self.engine, RULES, clock)
        self.clock: Clock = clock
        self.make_run_store()
        self.segments = SegmentStore(self.engine, clock)
        self.sweeps = SweepStore(self.engine, RULES, clock)
        self.retention = RetentionStore(self.engine, clock)

    def make_run_store(self) -> None:
        """Anew, of what its statements are made of now."""
        self.runs = RunStore(self.engine, RULES, self.clock)

    def clear(self) -> None:
        """An empty database, and the clock of the wall."""
        with self.engine.begin() as connection:
            connection.execute(text("TRUNCATE jobs, audio_files, segments, job_turns, moves"))
        self.now = datetime.now(UTC)

    def look(self) -> Sight:
        """Everything, seen at once."""
        with self.engine.connect() as connection:
            return Sight(
                *(connection.execute(select(table)).all() for table in (jobs, audio_files, segments, job_turns))
            )


@pytest.fixture
def bench(database_url: str) -> Iterator[Bench]:
    engine = make_engine(database_url, pool_size=2)
    another_user = new_id()
    with engine.begin() as connection:
        connection.execute(insert(users).values(id=another_user, name="another"))
    audit.install(engine)
    yield Bench(engine, another_user)
    engine.dispose()


# The model.


@dataclass
class Segment:
    """The audio of a line. `owner`: the job and the lease of the run that speaks it."""

    user_id: UUID
    digest: bytes
    owner: tuple[UUID, UUID]
    created_at: datetime
    last_used_at: datetime
    state: str = "speaking"


@dataclass
class Upload:
    """An object that was begun for a job."""

    job_id: UUID
    attempt: int
    begun_at: datetime
    is_stored: bool = False


@dataclass
class ModelJob:
    """A job as it should be."""

    user_id: UUID
    script: Script
    key: str | None
    created_at: datetime
    due_at: datetime | None
    status: JobStatus = JobStatus.PENDING
    stage: Stage = Stage.QUEUED
    attempt: int = 0
    heartbeat: int = 0
    token: UUID | None = None
    retry_count: int = 0
    turns_done: int = 0
    published_at: datetime | None = None
    deadline_at: datetime | None = None
    expires_at: datetime | None = None
    reason: FailureReason | None = None
    audio: UUID | None = None
    #: Turn index → the segment that it was spoken as; None when that is gone.
    turns: dict[int, UUID | None] = field(default_factory=dict)

    def is_held_by(self, claim: Claim) -> bool:
        return (self.attempt, self.token) == (claim.attempt, claim.lease_token)

    def end(self, status: JobStatus, expires_at: datetime, reason: FailureReason | None = None) -> None:
        self.status, self.stage, self.reason, self.expires_at = status, Stage.DONE, reason, expires_at
        self.token = self.due_at = None

    def let_go(self, stage: Stage, due_at: datetime) -> None:
        self.stage, self.due_at, self.token, self.published_at = stage, due_at, None, None

    def count_turns(self) -> None:
        self.turns_done = sum(segment is not None for segment in self.turns.values())


@dataclass(frozen=True)
class Held:
    """A claim in the hands of a worker, who may have lost it long ago."""

    claim: Claim
    stage: Stage


class LifeOfJobs(RuleBasedStateMachine):
    """Every rule does one thing to the stores and says what must come of it."""

    known_jobs = Bundle("known_jobs")
    #: Claims, good or stale: of either stage, and all of them.
    synthesizing = Bundle("synthesizing")
    assembling = Bundle("assembling")
    claims = Bundle("claims")
    seen_leases = Bundle("seen_leases")
    begun_segments = Bundle("begun_segments")

    whoever = st.booleans()

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        bench.clear()
        self.jobs: dict[UUID, ModelJob] = {}
        self.segments: dict[UUID, Segment] = {}
        self.uploads: dict[UUID, Upload] = {}
        #: The file that each run has begun to upload.
        self.files: dict[UUID, UUID] = {}

    # What users do.

    @initialize(target=known_jobs, me=whoever, script=st.sampled_from(SCRIPTS))
    def there_is_a_job(self, me: bool, script: Script) -> Any:
        return self.submit(me, script, None)

    @rule(target=known_jobs, me=whoever, script=st.sampled_from(SCRIPTS), key=st.sampled_from([None, None, "k", "l"]))
    def submit(self, me: bool, script: Script, key: str | None) -> Any:
        user_id = self.user(me)
        earlier = next(
            (job_id for job_id, job in self.jobs.items() if key and (job.user_id, job.key) == (user_id, key)), None
        )
        if key and earlier is not None and self.jobs[earlier].script != script:
            with pytest.raises(IdempotencyKeyReused):
                self.bench.jobs.submit_once(user_id, script, key)
            return multiple()
        if key and earlier is not None:
            job, is_new = self.bench.jobs.submit_once(user_id, script, key)
            assert (job.id, is_new) == (earlier, False)
            return multiple()

        def submit() -> UUID:
            if key is None:
                return self.bench.jobs.submit(user_id, script).id
            return self.bench.jobs.submit_once(user_id, script, key)[0].id

        return self.accepted_or_refused(user_id, script, key, submit)

    @rule(me=whoever, job_id=known_jobs)
    def cancel(self, me: bool, job_id: UUID) -> None:
        user_id, job = self.user(me), self.jobs.get(job_id)
        if job is None or job.user_id != user_id:
            with pytest.raises(JobNotFound):
                self.bench.jobs.cancel(user_id, job_id)
        elif job.status is not JobStatus.PENDING:
            with pytest.raises(JobCannotCancel):
                self.bench.jobs.cancel(user_id, job_id)
        else:
            assert self.bench.jobs.cancel(user_id, job_id).status == JobStatus.CANCELLED
            job.end(JobStatus.CANCELLED, self.bench.now + RULES.cancelled_retention)

    @rule(target=known_jobs, me=whoever, job_id=known_jobs)
    def resubmit(self, me: bool, job_id: UUID) -> Any:
        user_id, job = self.user(me), self.jobs.get(job_id)
        if job is None or job.user_id != user_id:
            with pytest.raises(JobNotFound):
                self.bench.jobs.resubmit(user_id, job_id)
            return multiple()
        if job.status not in {JobStatus.FAILED, JobStatus.CANCELLED}:
            with pytest.raises(JobCannotResubmit):
                self.bench.jobs.resubmit(user_id, job_id)
            return multiple()
        return self.accepted_or_refused(user_id, job.script, None, lambda: self.bench.jobs.resubmit(user_id, job_id).id)

    # What workers do. A message may come for any job, at any time, any number of times.

    @rule(targets=(synthesizing, claims), job_id=known_jobs)
    def a_message_to_speak(self, job_id: UUID) -> Any:
        return self.claimed_or_not(job_id, Stage.SYNTHESIZING)

    @rule(targets=(assembling, claims), job_id=known_jobs)
    def a_message_to_join(self, job_id: UUID) -> Any:
        return self.claimed_or_not(job_id, Stage.ASSEMBLING)

    @rule(targets=(synthesizing, claims), held=synthesizing)
    def the_answer_to_a_claim_was_lost(self, held: Held) -> Any:
        job = self.jobs.get(held.claim.job_id)
        is_mine = job is not None and job.token == held.claim.lease_token
        claim = self.bench.runs._claim(held.claim.job_id, Stage.SYNTHESIZING, held.claim.lease_token)
        if job is not None and is_mine:
            assert claim is not None
            job.attempt, job.heartbeat = job.attempt + 1, job.heartbeat + 1
            return Held(claim, Stage.SYNTHESIZING)
        return multiple() if claim is None else self.took(claim, Stage.SYNTHESIZING)

    @rule(held=claims)
    def beat(self, held: Held) -> None:
        job = self.jobs.get(held.claim.job_id)
        is_mine = job is not None and job.token == held.claim.lease_token
        assert self.bench.runs.beat({held.claim.job_id: held.claim.lease_token}) == (
            {held.claim.job_id} if is_mine else set()
        )
        if job is not None and is_mine:
            job.heartbeat += 1

    @rule(held=synthesizing, index=st.integers(0, 1))
    def speak(self, held: Held, index: int) -> None:
        """A turn gets its segment: one that there is, or one made now, unless somebody else is making it."""
        turn = turn_of(held, index)
        segment_id = self.stored_segment(held, turn.text) or self.spoken_segment(held, turn.text)
        if segment_id is None:
            return
        with self.fenced(held) as job:
            self.bench.runs.record_turns(held.claim, [TurnPart(turn.index, segment_id, len(turn.text), 0)])
        if job is not None:
            if job.turns.get(turn.index) is None:
                job.turns[turn.index] = segment_id
            job.count_turns()

    @rule(target=begun_segments, held=synthesizing, index=st.integers(0, 1))
    def begin_segment(self, held: Held, index: int) -> Any:
        segment_id = self.claimed_segment(held, turn_of(held, index).text)
        return multiple() if segment_id is None else segment_id

    @rule(segment_id=begun_segments)
    def finish_segment(self, segment_id: UUID) -> None:
        assert self.bench.segments.finish_upload(segment_id) == self.finished_segment(segment_id)

    @rule(segment_id=begun_segments)
    def abandon_segment(self, segment_id: UUID) -> None:
        self.bench.segments.abandon(segment_id)
        segment = self.segments.get(segment_id)
        if segment is not None and segment.state == "speaking":
            segment.state = "abandoned"

    @rule(held=synthesizing)
    def speak_everything_and_hand_over(self, held: Held) -> None:
        for turn in held.claim.script.turns:
            self.speak(held, turn.index)
        self.hand_over(held)

    @rule(held=synthesizing)
    def hand_over(self, held: Held) -> None:
        with self.fenced(held) as job:
            self.bench.runs.hand_over(held.claim)
        if job is not None:
            job.let_go(Stage.ASSEMBLING, self.bench.now)

    @rule(held=synthesizing, delay_s=st.sampled_from([5, 10, 20]))
    def retry(self, held: Held, delay_s: int) -> None:
        with self.fenced(held) as job:
            self.bench.runs.retry(held.claim, delay_s)
        if job is not None:
            job.let_go(Stage.RETRYING, self.bench.now + timedelta(seconds=delay_s))
            job.retry_count += 1

    @rule(held=claims)
    def wait_for_storage(self, held: Held) -> None:
        with self.fenced(held) as job:
            self.bench.runs.wait_for_storage(held.claim, 5)
        if job is not None:
            stage = Stage.ASSEMBLING if job.stage is Stage.ASSEMBLING else Stage.RETRYING
            job.let_go(stage, self.bench.now + timedelta(seconds=5))

    @rule(held=assembling, missing=st.sets(st.integers(0, 1), min_size=1))
    def speak_again(self, held: Held, missing: set[int]) -> None:
        with self.fenced(held) as job:
            self.bench.runs.speak_again(held.claim, sorted(missing))
        if job is not None:
            for index in missing & set(job.turns):
                segment_id = job.turns[index]
                if segment_id is not None:
                    self.segments[segment_id].state = "expired"
                job.turns[index] = None
            job.count_turns()
            job.let_go(Stage.RETRYING, self.bench.now)

    @rule(held=assembling)
    def begin_upload(self, held: Held) -> None:
        file_id = new_id()
        with self.fenced(held) as job:
            self.bench.runs.begin_upload(held.claim, file_id, f"audio/{file_id}", "audio/mpeg")
        if job is not None:
            self.uploads[file_id] = Upload(held.claim.job_id, held.claim.attempt, self.bench.now)
            self.files[held.claim.lease_token] = file_id

    @rule(held=assembling)
    def complete(self, held: Held) -> None:
        """With the file that this run has begun. Done twice it is done once; by a run that is over it is not done."""
        claim = held.claim
        job, file_id = self.jobs.get(claim.job_id), self.files.get(claim.lease_token)
        if file_id is None:
            return

        def deliver() -> None:
            self.bench.runs.complete(claim, file_id, size_bytes=1, duration_ms=1, metadata={})

        if job is not None and job.is_held_by(claim):
            if job.turns_done < len(job.script.turns):
                with pytest.raises(IntegrityError, match="jobs_complete_check"):
                    deliver()
                return
            deliver()
            job.end(JobStatus.COMPLETED, self.bench.now + RULES.retention)
            job.audio, self.uploads[file_id].is_stored = file_id, True
        elif job is not None and job.audio == file_id:
            deliver()
        else:
            with pytest.raises(LeaseLost):
                deliver()

    @rule(held=claims, reason=st.sampled_from(FailureReason))
    def fail(self, held: Held, reason: FailureReason) -> None:
        with self.fenced(held) as job:
            self.bench.runs.fail(held.claim, reason)
        if job is not None:
            job.end(JobStatus.FAILED, self.bench.now + RULES.retention, reason)

    @rule(targets=(assembling, claims), job_id=known_jobs)
    def all_goes_well_until_it_is_to_be_joined(self, job_id: UUID) -> Any:
        held = self.a_message_to_speak(job_id)
        if isinstance(held, Held):
            self.speak_everything_and_hand_over(held)
        return self.a_message_to_join(job_id)

    @rule(held=assembling)
    def all_goes_well_to_the_end(self, held: Held) -> None:
        self.begin_upload(held)
        self.complete(held)

    # What schedulers do.

    @rule(data=st.data())
    def a_sweep(self, data: st.DataObject) -> None:
        sweeps = (
            self.whoever_is_due_is_dispatched,
            self.everything_was_restarted,
            self.time_out,
            self.orphan,
            self.expire_jobs,
            self.collect_abandoned_audio,
            self.expire_segments,
        )
        data.draw(st.sampled_from(sweeps), "sweep")()

    @rule(job_id=known_jobs)
    def published(self, job_id: UUID) -> None:
        self.bench.jobs.mark_published([job_id])
        job = self.jobs.get(job_id)
        if job is not None and job.due_at is not None:
            job.published_at = self.bench.now

    def whoever_is_due_is_dispatched(self) -> None:
        now = self.bench.now
        expected = {
            (job_id, Stage.ASSEMBLING if job.stage is Stage.ASSEMBLING else Stage.SYNTHESIZING)
            for job_id, job in self.jobs.items()
            if job.due_at is not None
            and job.due_at < now - timedelta(seconds=OVERDUE_S)
            and (job.published_at is None or job.published_at + self.pause(job) < now)
        }
        due = self.bench.sweeps.due(
            overdue_s=OVERDUE_S, republish_s=REPUBLISH_S, longest_s=LONGEST_REPUBLISH_S, limit=100
        )
        assert set(due) == expected

    @staticmethod
    def pause(job: ModelJob) -> timedelta:
        """How long its last message is waited for."""
        assert job.published_at is not None
        assert job.due_at is not None
        waited = max(job.published_at - job.due_at, timedelta())
        return min(waited + timedelta(seconds=REPUBLISH_S), timedelta(seconds=LONGEST_REPUBLISH_S))

    @rule(target=seen_leases)
    def look_at_the_leases(self) -> Any:
        leases = self.bench.sweeps.leases()
        assert {(lease.job_id, lease.attempt, lease.lease_token, lease.heartbeat) for lease in leases} == {
            (job_id, job.attempt, job.token, job.heartbeat)
            for job_id, job in self.jobs.items()
            if job.token is not None
        }
        return multiple(*leases)

    @rule(lease=seen_leases)
    def interrupt(self, lease: Lease) -> None:
        job = self.jobs.get(lease.job_id)
        has_not_moved = job is not None and (job.attempt, job.token, job.heartbeat) == (
            lease.attempt,
            lease.lease_token,
            lease.heartbeat,
        )
        assert self.bench.sweeps.interrupt(lease) == has_not_moved
        if job is not None and has_not_moved:
            job.end(JobStatus.FAILED, self.bench.now + RULES.retention, FailureReason.SYSTEM_INTERRUPTED)

    def everything_was_restarted(self) -> None:
        def is_processing(job: ModelJob) -> bool:
            return job.status is JobStatus.PROCESSING

        self.swept(self.bench.sweeps.interrupt_all(), is_processing, FailureReason.SYSTEM_INTERRUPTED)

    def time_out(self) -> None:
        too_late = self.bench.now - timedelta(seconds=TIMEOUT_MARGIN_S)

        def is_late(job: ModelJob) -> bool:
            return job.status is JobStatus.PROCESSING and job.deadline_at is not None and job.deadline_at < too_late

        self.swept(self.bench.sweeps.time_out(margin_s=TIMEOUT_MARGIN_S), is_late, FailureReason.TIMEOUT)

    def orphan(self) -> None:
        def is_forgotten(job: ModelJob) -> bool:
            return job.status is JobStatus.PENDING and job.created_at < self.bench.now - ORPHANED_AFTER

        self.swept(self.bench.sweeps.orphan(after=ORPHANED_AFTER), is_forgotten, FailureReason.ORPHANED)

    def expire_jobs(self) -> None:
        expired = {job_id for batch in self.bench.retention.expired_jobs() for job_id in batch}
        assert expired == {
            job_id
            for job_id, job in self.jobs.items()
            if job.expires_at is not None and job.expires_at < self.bench.now
        }
        for job_id in expired:
            mine = {file_id for file_id, upload in self.uploads.items() if upload.job_id == job_id}
            assert len(self.bench.retention.audio_of([job_id])) == len(mine)
            assert self.bench.retention.forget_jobs([job_id]) == 1
            del self.jobs[job_id]
            self.uploads = {file_id: upload for file_id, upload in self.uploads.items() if file_id not in mine}

    def collect_abandoned_audio(self) -> None:
        def is_abandoned(upload: Upload) -> bool:
            job = self.jobs[upload.job_id]
            is_running = job.token is not None and job.attempt == upload.attempt
            return not upload.is_stored and upload.begun_at < self.bench.now - ABANDONED_AFTER and not is_running

        abandoned = {one.id for one in self.bench.retention.abandoned_audio(after=ABANDONED_AFTER)}
        assert abandoned == {file_id for file_id, upload in self.uploads.items() if is_abandoned(upload)}
        for file_id in abandoned:
            assert self.bench.retention.forget_audio([file_id]) == 1
            del self.uploads[file_id]

    def expire_segments(self) -> None:
        now = self.bench.now
        in_use = {
            segment for job in self.jobs.values() if job.status in ACTIVE for segment in job.turns.values() if segment
        }
        for segment_id, segment in self.segments.items():
            unused = segment.last_used_at < now - SEGMENTS_KEPT and segment_id not in in_use
            abandoned = segment.created_at < now - ABANDONED_AFTER
            if (segment.state == "stored" and unused) or (segment.state in {"speaking", "abandoned"} and abandoned):
                segment.state = "expired"
        batches = self.bench.retention.doomed_segments(unused_for=SEGMENTS_KEPT, abandoned_after=ABANDONED_AFTER)
        expired = {one.id for batch in batches for one in batch}
        assert expired == {segment_id for segment_id, segment in self.segments.items() if segment.state == "expired"}
        for segment_id in expired:
            assert self.bench.retention.forget_segments([segment_id]) == 1
            del self.segments[segment_id]
            for job in self.jobs.values():
                job.turns.update({index: None for index, of in job.turns.items() if of == segment_id})

    @rule(jump=st.sampled_from(MOMENTS))
    def a_moment_passes(self, jump: timedelta) -> None:
        self.bench.now += jump

    @rule(jump=st.sampled_from(AGES), sweep=st.data())
    def an_age_passes(self, jump: timedelta, sweep: st.DataObject) -> None:
        self.bench.now += jump
        self.a_sweep(sweep)

    # What must hold at all times.

    @invariant()
    def all_that_must_hold(self) -> None:
        seen = self.bench.look()
        self.every_row_is_as_it_should_be(seen)
        self.nobody_has_a_fourth_job(seen)
        self.who_is_active_is_worked_on_or_due_and_who_has_ended_is_neither(seen)
        self.a_completed_job_has_one_audio_file_and_no_other_has_any(seen)
        self.segments_and_spoken_turns_are_as_they_should_be(seen)

    def every_row_is_as_it_should_be(self, seen: Sight) -> None:
        rows = {row.id: row for row in seen.jobs}
        assert set(rows) == set(self.jobs)
        for job_id, job in self.jobs.items():
            row = rows[job_id]
            assert (row.status, row.stage) in TRANSITIONS
            found = (row.status, row.stage, row.attempt, row.heartbeat, row.lease_token, row.next_run_at)
            assert found == (job.status, job.stage, job.attempt, job.heartbeat, job.token, job.due_at)
            found = (row.retry_count, row.turns_done, row.deadline_at, row.expires_at, row.error_code)
            assert found == (job.retry_count, job.turns_done, job.deadline_at, job.expires_at, job.reason)
            assert row.audio_file_id == job.audio

    def nobody_has_a_fourth_job(self, seen: Sight) -> None:
        taken = [(row.user_id, row.active_slot) for row in seen.jobs if JobStatus(row.status).is_active]
        assert len(taken) == len(set(taken))
        assert {slot for _, slot in taken} <= set(range(1, RULES.max_active_jobs + 1))
        assert all(count <= RULES.max_active_jobs for count in Counter(user for user, _ in taken).values())

    def who_is_active_is_worked_on_or_due_and_who_has_ended_is_neither(self, seen: Sight) -> None:
        for row in seen.jobs:
            is_worked_on, is_due = row.lease_token is not None, row.next_run_at is not None
            if JobStatus(row.status).is_active:
                assert is_worked_on != is_due
            else:
                assert (is_worked_on, is_due, row.active_slot) == (False, False, None)

    def a_completed_job_has_one_audio_file_and_no_other_has_any(self, seen: Sight) -> None:
        stored = Counter(row.job_id for row in seen.audio_files if row.state == "stored")
        for row in seen.jobs:
            assert stored[row.id] == (row.status == JobStatus.COMPLETED)
            assert row.status != JobStatus.COMPLETED or row.turns_done == row.turns_total
        assert {row.id for row in seen.audio_files} == set(self.uploads)

    def segments_and_spoken_turns_are_as_they_should_be(self, seen: Sight) -> None:
        states = {row.id: row.state for row in seen.segments}
        assert states == {segment_id: segment.state for segment_id, segment in self.segments.items()}
        spoken = {(row.job_id, row.turn_index): row.segment_id for row in seen.job_turns}
        assert spoken == {(job_id, index): of for job_id, job in self.jobs.items() for index, of in job.turns.items()}

    def teardown(self) -> None:
        """The audit has seen each job go only where it may, and end up where its row says that it is."""
        for job_id, job in self.jobs.items():
            moves = audit.moves_of(self.bench.engine, job_id)
            assert moves[0].before is None
            assert all(after.before == before.after for before, after in pairwise(moves))
            assert moves[-1].after == (job.status, job.stage)

    # What the rules have in common.

    def user(self, me: bool) -> UUID:
        return LOCAL_USER_ID if me else self.bench.another_user

    def accepted_or_refused(self, user_id: UUID, script: Script, key: str | None, submit: Callable[[], UUID]) -> Any:
        active = sum(job.user_id == user_id and job.status in ACTIVE for job in self.jobs.values())
        if active == RULES.max_active_jobs:
            with pytest.raises(JobLimitExceeded) as refused:
                submit()
            assert refused.value.current_jobs == active
            return multiple()
        job_id = submit()
        assert job_id not in self.jobs
        now = self.bench.now
        self.jobs[job_id] = ModelJob(user_id, script, key, created_at=now, due_at=now)
        return job_id

    def claimed_or_not(self, job_id: UUID, stage: Stage) -> Any:
        job, now = self.jobs.get(job_id), self.bench.now
        waits_for = Stage.ASSEMBLING if job is not None and job.stage is Stage.ASSEMBLING else Stage.SYNTHESIZING
        may_be_claimed = (
            job is not None
            and waits_for is stage
            and job.due_at is not None
            and job.due_at <= now
            and (job.deadline_at is None or job.deadline_at > now)
        )
        claim = self.bench.runs.claim(job_id, stage)
        assert (claim is not None) == may_be_claimed
        return multiple() if claim is None else self.took(claim, stage)

    def took(self, claim: Claim, stage: Stage) -> Held:
        job = self.jobs[claim.job_id]
        assert claim.script == job.script
        job.status, job.stage, job.token, job.due_at = JobStatus.PROCESSING, stage, claim.lease_token, None
        job.attempt, job.heartbeat = job.attempt + 1, job.heartbeat + 1
        job.deadline_at = job.deadline_at or self.bench.now + RULES.deadline
        return Held(claim, stage)

    @contextmanager
    def fenced(self, held: Held) -> Iterator[ModelJob | None]:
        """The job if the claim still holds; else None, and what the block does must be refused."""
        job = self.jobs.get(held.claim.job_id)
        if job is not None and job.is_held_by(held.claim):
            yield job
            return
        with pytest.raises(LeaseLost):
            yield None

    def stored_segment(self, held: Held, words: str) -> UUID | None:
        """What the user has had spoken before. Finding it is using it."""
        digest = digest_of(words)
        stored = self.live_segment(held.claim.user_id, digest, "stored")
        found = self.bench.segments.find(held.claim.user_id, [digest])
        assert [segment.id for segment in found.values()] == ([] if stored is None else [stored])
        if stored is not None:
            self.segments[stored].last_used_at = self.bench.now
        return stored

    def spoken_segment(self, held: Held, words: str) -> UUID | None:
        segment_id = self.claimed_segment(held, words)
        if segment_id is None:
            return None
        assert self.bench.segments.finish_upload(segment_id) == self.finished_segment(segment_id) == segment_id
        return segment_id

    def claimed_segment(self, held: Held, words: str) -> UUID | None:
        """Who has begun with these words goes on with them, unless he has lost his lease."""
        claim, now = held.claim, self.bench.now
        intent = SegmentIntent(new_id(), claim.user_id, digest_of(words), f"segments/{new_id()}")
        is_stored = self.live_segment(claim.user_id, intent.digest, "stored") is not None
        speaking = self.live_segment(claim.user_id, intent.digest, "speaking")
        may_begin = not is_stored and (speaking is None or not self.owner_lives(self.segments[speaking]))
        assert self.bench.segments.claim(intent, claim) == may_begin
        if not may_begin:
            return None
        if speaking is not None:
            self.segments[speaking].state = "abandoned"
        owner = claim.job_id, claim.lease_token
        self.segments[intent.id] = Segment(claim.user_id, intent.digest, owner, created_at=now, last_used_at=now)
        return intent.id

    def finished_segment(self, segment_id: UUID) -> UUID | None:
        """What the end of an upload must come to: this segment, or another of the same words."""
        ours = self.segments.get(segment_id)
        if ours is None:
            return None
        if ours.state == "speaking":
            ours.state, ours.last_used_at = "stored", self.bench.now
        return self.live_segment(ours.user_id, ours.digest, "stored")

    def live_segment(self, user_id: UUID, digest: bytes, state: str) -> UUID | None:
        for segment_id, segment in self.segments.items():
            if (segment.user_id, segment.digest, segment.state) == (user_id, digest, state):
                return segment_id
        return None

    def owner_lives(self, segment: Segment) -> bool:
        job_id, lease_token = segment.owner
        return job_id in self.jobs and self.jobs[job_id].token == lease_token

    def swept(self, count: int, which: Callable[[ModelJob], bool], reason: FailureReason) -> None:
        struck = [job for job in self.jobs.values() if which(job)]
        assert count == len(struck)
        for job in struck:
            job.end(JobStatus.FAILED, self.bench.now + RULES.retention, reason)


def turn_of(held: Held, index: int) -> Turn:
    turns = held.claim.script.turns
    return turns[index % len(turns)]


def digest_of(words: str) -> bytes:
    return sha256(words.encode()).digest()


def life_on(bench: Bench) -> type[LifeOfJobs]:
    """The machine as Hypothesis wants it: a class that it can make without arguments."""

    class LifeOnThisBench(LifeOfJobs):
        def __init__(self) -> None:
            super().__init__(bench)

    return LifeOnThisBench


def test_any_history_of_jobs_comes_out_as_the_model_says(bench: Bench) -> None:
    run_state_machine_as_test(life_on(bench), settings=settings(COMMON, max_examples=100))


def find_a_fault(bench: Bench) -> None:
    """The same machine, on stores that are broken: it must complain, and need not say in the fewest words of what."""
    quick = settings(COMMON, max_examples=100, phases=[Phase.generate])
    run_state_machine_as_test(life_on(bench), settings=quick)


def test_without_the_fence_the_machine_finds_a_stale_write(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_statements, "fence", lambda claim: jobs.c.id == claim.job_id)
    bench.make_run_store()

    with pytest.raises((AssertionError, pytest.fail.Exception, DBAPIError)):
        find_a_fault(bench)


def test_without_the_slots_the_machine_finds_a_fourth_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody takes the first slot, and no index refuses it."""
    with bench.engine.begin() as connection:
        connection.execute(text("DROP INDEX jobs_active_slot"))
    of_a_user_who_has_no_jobs = bench.jobs._inserting_in_free_slot(literal(new_id()))
    monkeypatch.setattr(bench.jobs, "_insert_in_free_slot", Prepared(of_a_user_who_has_no_jobs))

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        find_a_fault(bench)


def test_with_a_claim_that_asks_for_less_the_machine_finds_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that waits to be joined is spoken once more by a message that came twice."""
    anything = tuple(place for work in WORK.values() for place in work.waits_at)
    for stage, work in list(WORK.items()):
        monkeypatch.setitem(WORK, stage, replace(work, waits_at=anything))  # pyright: ignore[reportArgumentType]
    bench.make_run_store()

    with pytest.raises((AssertionError, DBAPIError)):
        find_a_fault(bench)


def test_a_job_that_was_left_for_months_can_still_be_read_and_ended(bench: Bench) -> None:
    """Found by the machine: the milliseconds since its start had outgrown their 31 bits."""
    job = bench.jobs.submit(LOCAL_USER_ID, SCRIPTS[0])
    assert bench.runs.claim(job.id, Stage.SYNTHESIZING) is not None

    bench.now += timedelta(days=90)

    assert bench.sweeps.interrupt_all() == 1
    assert bench.jobs.get(LOCAL_USER_ID, job.id).elapsed_ms == 90 * 86400 * 1000


def test_the_audit_refuses_an_illegal_move_whoever_makes_it(bench: Bench) -> None:
    job = bench.jobs.submit(LOCAL_USER_ID, SCRIPTS[0])
    bench.jobs.cancel(LOCAL_USER_ID, job.id)
    this = jobs.c.id == job.id

    with pytest.raises(DBAPIError, match=r'illegal move .* from "cancelled done" to "failed done"'):
        _do(bench, update(jobs).where(this).values(status="failed", error_code="timeout"))
    with pytest.raises(DBAPIError, match="illegal move"):
        _do(bench, update(jobs).where(this).values(retry_count=1))
    assert [move.after for move in audit.moves_of(bench.engine, job.id)] == [audit.BIRTH, ("cancelled", "done")]


def test_the_audit_refuses_to_delete_an_active_job(bench: Bench) -> None:
    job = bench.jobs.submit(LOCAL_USER_ID, SCRIPTS[0])

    with pytest.raises(DBAPIError, match=r'illegal move .* from "pending queued" to ""'):
        _do(bench, delete(jobs).where(jobs.c.id == job.id))


def _do(bench: Bench, statement: Any) -> None:
    with bench.engine.begin() as connection:
        connection.execute(statement)
