"""What the scheduler puts right: for each sweep a job that is too young, one that is due, one that is done already."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from scheduler import sweeps
from storage.job_store import JobRules
from storage.jobs import LOCAL_USER_ID, Claim, FailureReason, JobNotFound, JobStatus, Stage, new_id
from storage.segment_store import SegmentIntent
from storage.stores import Stores
from storage.sweep_store import SweepStore
from storage.tables import audio_files, jobs, segments
from tests.integration.conftest import claimed, job_of, later, speak_all_turns
from tests.samples import script


def in_the_future(stores: Stores, delta: timedelta) -> Stores:
    """The same stores, seen by a scheduler that much later."""
    return replace(stores, sweeps=SweepStore(stores.engine, JobRules(), later(delta)))


def delivered(stores: Stores) -> tuple[Claim, str]:
    """A completed job, and the key of its audio."""
    claim = claimed(stores, Stage.ASSEMBLING)
    key, file_id = f"audio/{claim.job_id}", new_id()
    stores.runs.begin_upload(claim, file_id, key, "audio/mpeg")
    stores.audio.put(key, b"sound", "audio/mpeg")
    stores.runs.complete(claim, file_id, size_bytes=5, duration_ms=1, metadata={})
    return claim, key


def test_a_due_job_is_sent_once_until_its_message_seems_lost_again(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    sent: list[tuple[UUID, Stage]] = []

    def publish(job_id: UUID, stage: Stage) -> None:
        sent.append((job_id, stage))
        stores.jobs.published([job_id])

    def dispatch(after_s: float) -> int:
        return sweeps.dispatch(in_the_future(stores, timedelta(seconds=after_s)), publish)

    assert dispatch(after_s=0) == 0  # its own message may be on its way
    assert dispatch(after_s=1) == 1
    assert dispatch(after_s=20) == 0
    assert dispatch(after_s=40) == 1
    assert sent == [(job.id, Stage.SYNTHESIZING)] * 2


def test_a_job_that_is_worked_on_or_done_is_not_sent(stores: Stores) -> None:
    claimed(stores)
    cancelled = stores.jobs.submit(LOCAL_USER_ID, script())
    stores.jobs.cancel(LOCAL_USER_ID, cancelled.id)

    assert in_the_future(stores, timedelta(hours=1)).sweeps.due(overdue_s=0, republish_s=0, limit=9) == []


def test_each_due_job_is_sent_for_the_stage_that_it_waits_for(stores: Stores) -> None:
    retrying, joining = claimed(stores), claimed(stores)
    stores.runs.retry(retrying, delay_s=5)
    speak_all_turns(stores, joining)
    stores.runs.hand_over(joining)

    due = in_the_future(stores, timedelta(seconds=10)).sweeps.due(overdue_s=0, republish_s=0, limit=9)

    assert set(due) == {(retrying.job_id, Stage.SYNTHESIZING), (joining.job_id, Stage.ASSEMBLING)}


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def watch(stores: Stores, dead_workers: sweeps.DeadWorkers, clock: Clock, seconds: int) -> int:
    """Look every two seconds for so long; how many jobs were failed."""
    failed = 0
    for _ in range(seconds // 2):
        clock.now += 2
        failed += dead_workers(stores)
    return failed


def test_a_dead_workers_job_fails_and_a_live_ones_does_not(stores: Stores, clock: Clock) -> None:
    dead, alive = claimed(stores), claimed(stores)
    dead_workers = sweeps.DeadWorkers(clock)

    failed = dead_workers(stores)
    for _ in range(3):
        stores.runs.beat({alive.job_id: alive.lease_token})
        failed += watch(stores, dead_workers, clock, 6)

    assert failed == 1
    assert (job_of(stores, dead).status, job_of(stores, dead).error_code) == (
        JobStatus.FAILED,
        FailureReason.SYSTEM_INTERRUPTED,
    )
    assert job_of(stores, alive).status == JobStatus.PROCESSING


def test_fourteen_seconds_of_silence_are_not_death(stores: Stores, clock: Clock) -> None:
    claim = claimed(stores)
    dead_workers = sweeps.DeadWorkers(clock)
    dead_workers(stores)

    assert watch(stores, dead_workers, clock, 14) == 0
    assert watch(stores, dead_workers, clock, 2) == 1
    assert job_of(stores, claim).status == JobStatus.FAILED


def test_a_watch_that_was_itself_interrupted_proves_nothing(stores: Stores, clock: Clock) -> None:
    """The database or the scheduler was away for a minute: the workers could not be seen to beat."""
    claimed(stores)
    dead_workers = sweeps.DeadWorkers(clock)
    dead_workers(stores)

    clock.now += 60
    assert dead_workers(stores) == 0
    assert watch(stores, dead_workers, clock, 14) == 0
    assert watch(stores, dead_workers, clock, 2) == 1


def test_a_beat_between_look_and_verdict_saves_the_job(stores: Stores) -> None:
    claim = claimed(stores)
    (seen,) = stores.sweeps.leases()
    stores.runs.beat({claim.job_id: claim.lease_token})

    assert not stores.sweeps.interrupt(seen)
    assert job_of(stores, claim).status == JobStatus.PROCESSING


def test_two_schedulers_fail_a_job_once(stores: Stores, clock: Clock) -> None:
    claimed(stores)
    schedulers = [sweeps.DeadWorkers(clock), sweeps.DeadWorkers(clock)]
    failed = 0
    for _ in range(10):
        clock.now += 2
        failed += sum(look(stores) for look in schedulers)

    assert failed == 1


def test_a_job_fails_when_its_deadline_is_over(stores: Stores) -> None:
    claim = claimed(stores)
    pending = stores.jobs.submit(LOCAL_USER_ID, script())
    done, _ = delivered(stores)

    assert sweeps.time_out(in_the_future(stores, timedelta(minutes=9, seconds=59))) == 0
    assert sweeps.time_out(in_the_future(stores, timedelta(minutes=10, seconds=5))) == 1

    assert job_of(stores, claim).error_code == FailureReason.TIMEOUT
    assert stores.jobs.get(LOCAL_USER_ID, pending.id).status == JobStatus.PENDING
    assert job_of(stores, done).status == JobStatus.COMPLETED


def test_a_job_that_waits_for_its_retry_has_a_deadline_too(stores: Stores) -> None:
    claim = claimed(stores)
    stores.runs.retry(claim, delay_s=700)

    assert sweeps.time_out(in_the_future(stores, timedelta(minutes=11))) == 1
    assert job_of(stores, claim).error_code == FailureReason.TIMEOUT


def test_a_job_that_nobody_takes_for_a_day_is_an_orphan(stores: Stores) -> None:
    pending = stores.jobs.submit(LOCAL_USER_ID, script())
    begun = claimed(stores)

    assert sweeps.orphan(in_the_future(stores, timedelta(hours=23))) == 0
    assert sweeps.orphan(in_the_future(stores, timedelta(hours=25))) == 1

    assert stores.jobs.get(LOCAL_USER_ID, pending.id).error_code == FailureReason.ORPHANED
    assert job_of(stores, begun).status == JobStatus.PROCESSING


def test_all_processing_jobs_fail_when_the_system_was_restarted(stores: Stores) -> None:
    speaking, waiting = claimed(stores), claimed(stores)
    stores.runs.retry(waiting, delay_s=5)
    pending = stores.jobs.submit(LOCAL_USER_ID, script())

    assert stores.sweeps.interrupt_all() == 2

    assert {job_of(stores, claim).error_code for claim in (speaking, waiting)} == {FailureReason.SYSTEM_INTERRUPTED}
    assert stores.jobs.get(LOCAL_USER_ID, pending.id).status == JobStatus.PENDING


@pytest.mark.parametrize(("kept", "too_long"), [(timedelta(days=29), timedelta(days=31))])
def test_a_completed_job_goes_after_thirty_days_with_its_audio(
    stores: Stores, kept: timedelta, too_long: timedelta
) -> None:
    claim, key = delivered(stores)
    active = claimed(stores)

    assert sweeps.expire_jobs(in_the_future(stores, kept)) == 0
    assert list(stores.audio.keys("audio/")) == [key]
    assert sweeps.expire_jobs(in_the_future(stores, too_long)) == 1

    assert list(stores.audio.keys("audio/")) == []
    with pytest.raises(JobNotFound):
        job_of(stores, claim)
    assert job_of(stores, active).status == JobStatus.PROCESSING


def test_a_cancelled_job_goes_after_seven_days(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    stores.jobs.cancel(LOCAL_USER_ID, job.id)

    assert sweeps.expire_jobs(in_the_future(stores, timedelta(days=6))) == 0
    assert sweeps.expire_jobs(in_the_future(stores, timedelta(days=8))) == 1


def test_a_resubmitted_job_outlives_the_one_that_it_came_from(stores: Stores) -> None:
    first = stores.jobs.submit(LOCAL_USER_ID, script())
    stores.jobs.cancel(LOCAL_USER_ID, first.id)
    again = stores.jobs.resubmit(LOCAL_USER_ID, first.id)

    sweeps.expire_jobs(in_the_future(stores, timedelta(days=8)))

    assert stores.jobs.get(LOCAL_USER_ID, again.id).resubmitted_from is None


def test_a_row_stays_while_its_object_cannot_be_deleted(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The object goes first: while the object store is away, nothing is forgotten."""
    claim, key = delivered(stores)
    future = in_the_future(stores, timedelta(days=31))
    real_url = stores.audio._settings.s3_endpoint_url
    stores.audio.close()
    monkeypatch.setattr(stores.audio, "_settings", stores.audio._settings.model_copy(update={"s3_endpoint_url": DEAD}))

    assert sweeps.expire_jobs(future) == 0
    assert job_of(stores, claim).status == JobStatus.COMPLETED

    stores.audio.close()
    monkeypatch.setattr(
        stores.audio, "_settings", stores.audio._settings.model_copy(update={"s3_endpoint_url": real_url})
    )
    assert list(stores.audio.keys("audio/")) == [key]
    assert sweeps.expire_jobs(future) == 1
    assert list(stores.audio.keys("audio/")) == []


#: Nobody listens there.
DEAD = "http://127.0.0.1:1"


def test_what_a_dead_worker_was_uploading_is_collected(stores: Stores, engine: Engine) -> None:
    dead, alive = claimed(stores, Stage.ASSEMBLING), claimed(stores, Stage.ASSEMBLING)
    for claim in (dead, alive):
        stores.runs.begin_upload(claim, new_id(), f"audio/{claim.job_id}", "audio/mpeg")
        stores.audio.put(f"audio/{claim.job_id}", b"half", "audio/mpeg")
    _, delivered_key = delivered(stores)
    stores.runs.fail(dead, FailureReason.SYSTEM_INTERRUPTED)

    assert sweeps.collect_abandoned_audio(stores) == 0  # its bytes may still be on their way
    assert sweeps.collect_abandoned_audio(in_the_future(stores, timedelta(hours=1))) == 1

    assert set(stores.audio.keys("audio/")) == {f"audio/{alive.job_id}", delivered_key}
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(audio_files)).scalar_one() == 2


def test_segments_go_after_a_week_unless_an_active_job_has_them(stores: Stores, engine: Engine) -> None:
    def segment(key: str) -> UUID:
        segment_id = new_id()
        stores.segments.claim(SegmentIntent(segment_id, LOCAL_USER_ID, segment_id.bytes * 2, key), None)
        stores.audio.put(key, b"RIFF", "audio/wav")
        stores.segments.finish_upload(segment_id)
        return segment_id

    segment("segments/unused")
    active = claimed(stores)
    speak_all_turns(stores, active)
    unfinished = new_id()
    stores.segments.claim(SegmentIntent(unfinished, LOCAL_USER_ID, b"u" * 32, "segments/unfinished"), None)

    assert sweeps.expire_segments(in_the_future(stores, timedelta(minutes=1))) == 0
    assert sweeps.expire_segments(in_the_future(stores, timedelta(hours=1))) == 1  # the upload of a dead worker
    assert sweeps.expire_segments(in_the_future(stores, timedelta(days=6))) == 0
    assert sweeps.expire_segments(in_the_future(stores, timedelta(days=8))) == 1

    assert list(stores.audio.keys("segments/")) == []
    assert len(stores.runs.spoken_turns(active)) == 2
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(segments)).scalar_one() == 2
        assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() == 1
