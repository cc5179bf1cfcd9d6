"""What workers do with jobs, on a real PostgreSQL: the claim, the fence, and each end of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from storage.jobs import LOCAL_USER_ID, Claim, FailureReason, LeaseLost, new_id
from storage.rules import JobRules
from storage.run_store import RunStore, TurnPart
from storage.segment_store import SegmentIntent
from storage.stages import JobStatus, Stage
from storage.stores import Stores
from storage.tables import audio_files, job_turns, jobs
from tests.integration.conftest import claimed, job_of, later, speak_all_turns
from tests.samples import script


def end_lease(stores: Stores, claim: Claim) -> None:
    """Let the scheduler take a dead worker's job away."""
    (lease,) = [lease for lease in stores.sweeps.leases() if lease.job_id == claim.job_id]
    assert stores.sweeps.interrupt(lease)


def test_a_claim_starts_the_job_and_its_deadline(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())

    claim = stores.runs.claim(job.id, Stage.SYNTHESIZING)

    assert claim is not None
    assert (claim.attempt, claim.retry_count, claim.script) == (1, 0, script())
    assert 595 < claim.remaining_s <= 600
    begun = stores.jobs.get(LOCAL_USER_ID, job.id)
    assert (begun.status, begun.stage) == (JobStatus.PROCESSING, Stage.SYNTHESIZING)
    assert begun.started_at is not None
    assert begun.deadline_at is not None
    assert abs(begun.deadline_at - begun.started_at - timedelta(minutes=10)) < timedelta(seconds=1)


def test_a_job_is_claimed_once_however_many_messages_come(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())

    with ThreadPoolExecutor(20) as pool:
        claims = list(pool.map(lambda _: stores.runs.claim(job.id, Stage.SYNTHESIZING), range(20)))

    assert len([claim for claim in claims if claim is not None]) == 1


def test_a_job_is_claimed_for_the_stage_that_it_waits_for_and_no_other(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    assert stores.runs.claim(job.id, Stage.ASSEMBLING) is None

    claim = claimed(stores, Stage.ASSEMBLING)

    assert stores.runs.claim(claim.job_id, Stage.SYNTHESIZING) is None
    assert claim.attempt == 2


def test_a_job_that_is_not_due_yet_is_not_claimed(stores: Stores, engine: Engine) -> None:
    claim = claimed(stores)
    stores.runs.retry(claim, delay_s=5)

    assert stores.runs.claim(claim.job_id, Stage.SYNTHESIZING) is None
    in_time = RunStore(engine, JobRules(), later(timedelta(seconds=5))).claim(claim.job_id, Stage.SYNTHESIZING)
    assert in_time is not None
    assert (in_time.attempt, in_time.retry_count) == (2, 1)


def test_a_job_past_its_deadline_is_not_claimed(stores: Stores, engine: Engine) -> None:
    claim = claimed(stores)
    stores.runs.retry(claim, delay_s=1)

    too_late = RunStore(engine, JobRules(), later(timedelta(minutes=10)))

    assert too_late.claim(claim.job_id, Stage.SYNTHESIZING) is None


def test_a_claim_whose_answer_was_lost_is_given_again(stores: Stores) -> None:
    """The commit was done, its answer lost on the way: the same call, made again, gets the job and not nothing."""
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    token = uuid4()

    stores.runs._claim(job.id, Stage.SYNTHESIZING, token)
    again = stores.runs._claim(job.id, Stage.SYNTHESIZING, token)

    assert again is not None
    stores.runs.hand_over(again)


def test_turns_count_once_each_with_what_they_cost(stores: Stores) -> None:
    claim = claimed(stores)
    segment_id = new_id()
    stores.segments.claim(SegmentIntent(segment_id, claim.user_id, b"d" * 32, "segments/one"), claim)
    stores.segments.finish_upload(segment_id)

    for _ in range(2):  # the answer to the first was lost
        stores.runs.record_turns(claim, [TurnPart(0, segment_id, 10, 0)])
    stores.runs.record_turns(claim, [TurnPart(1, segment_id, 0, 14)])

    assert stores.runs.stored_segments(claim) == {0: "segments/one", 1: "segments/one"}
    assert job_of(stores, claim).turns_done == 2
    stores.runs.hand_over(claim)
    joining = stores.runs.claim(claim.job_id, Stage.ASSEMBLING)
    assert joining is not None
    file_id = new_id()
    stores.runs.begin_upload(joining, file_id, "audio/x", "audio/mpeg")
    stores.runs.complete(joining, file_id, size_bytes=1, duration_ms=1, metadata={})
    metadata = job_of(stores, claim).result_metadata
    assert metadata is not None
    assert (metadata["billed_characters"], metadata["cached_characters"]) == (10, 14)


def test_threads_that_finish_turns_at_once_lose_none(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script(*[f"turn {n}" for n in range(40)]))
    claim = stores.runs.claim(job.id, Stage.SYNTHESIZING)
    assert claim is not None

    def speak(index: int) -> None:
        segment_id = new_id()
        stores.segments.claim(
            SegmentIntent(segment_id, claim.user_id, segment_id.bytes * 2, f"segments/{index}"), claim
        )
        stores.segments.finish_upload(segment_id)
        stores.runs.record_turns(claim, [TurnPart(index, segment_id, 1, 0)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(speak, range(40)))

    assert job_of(stores, claim).turns_done == 40


def test_a_completed_job_has_its_audio_and_its_metadata(stores: Stores) -> None:
    claim = claimed(stores, Stage.ASSEMBLING)
    file_id = new_id()
    stores.runs.begin_upload(claim, file_id, "audio/key", "audio/mpeg")

    stores.runs.complete(claim, file_id, size_bytes=4321, duration_ms=987, metadata={"duration_ms": 987})

    job = job_of(stores, claim)
    assert (job.status, job.stage, job.audio_file_id) == (JobStatus.COMPLETED, Stage.DONE, file_id)
    assert job.result_metadata is not None
    assert job.result_metadata["duration_ms"] == 987
    assert job.result_metadata["latency_ms"] >= 0
    assert job.completed_at is not None
    assert job.expires_at is not None
    assert abs(job.expires_at - job.completed_at - timedelta(days=30)) < timedelta(seconds=1)
    audio = stores.jobs.audio_file(job)
    assert audio is not None
    assert (audio.object_key, audio.size_bytes, audio.duration_ms) == ("audio/key", 4321, 987)


def test_a_complete_whose_answer_was_lost_may_be_said_again(stores: Stores) -> None:
    claim = claimed(stores, Stage.ASSEMBLING)
    file_id = new_id()
    stores.runs.begin_upload(claim, file_id, "audio/key", "audio/mpeg")

    for _ in range(2):
        stores.runs.complete(claim, file_id, size_bytes=1, duration_ms=1, metadata={})

    assert job_of(stores, claim).audio_file_id == file_id


def test_a_job_cannot_complete_with_a_turn_missing(stores: Stores, engine: Engine) -> None:
    claim = claimed(stores, Stage.ASSEMBLING)
    with engine.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == claim.job_id).values(turns_done=1))
    file_id = new_id()
    stores.runs.begin_upload(claim, file_id, "audio/key", "audio/mpeg")

    with pytest.raises(IntegrityError, match="jobs_complete_check"):
        stores.runs.complete(claim, file_id, size_bytes=1, duration_ms=1, metadata={})


def test_a_job_has_one_live_audio_file_at_most(stores: Stores, engine: Engine) -> None:
    claim = claimed(stores, Stage.ASSEMBLING)
    for key in ("audio/1", "audio/2"):
        stores.runs.begin_upload(claim, new_id(), key, "audio/mpeg")

    stored = update(audio_files).values(state="stored", size_bytes=1, duration_ms=1)
    with pytest.raises(IntegrityError, match="audio_files_one_a_job"), engine.begin() as connection:
        connection.execute(stored)


@pytest.mark.parametrize("reason", list(FailureReason))
def test_a_failed_job_says_why(stores: Stores, reason: FailureReason) -> None:
    claim = claimed(stores)

    stores.runs.fail(claim, reason, "the vendor's words")

    job = job_of(stores, claim)
    assert (job.status, job.error_code, job.error_detail) == (JobStatus.FAILED, reason, "the vendor's words")


def test_a_retry_is_due_after_its_wait_and_counted(stores: Stores) -> None:
    claim = claimed(stores)
    before = datetime.now(UTC)

    stores.runs.retry(claim, delay_s=5)

    job = job_of(stores, claim)
    assert (job.status, job.stage, job.retry_count) == (JobStatus.PROCESSING, Stage.RETRYING, 1)
    assert job.next_run_at is not None
    assert timedelta(seconds=4.9) < job.next_run_at - before < timedelta(seconds=6)


def test_waiting_for_storage_is_no_retry(stores: Stores) -> None:
    speaking, joining = claimed(stores), claimed(stores, Stage.ASSEMBLING)

    for claim in (speaking, joining):
        stores.runs.wait_for_storage(claim, delay_s=5)

    assert [(job_of(stores, c).stage, job_of(stores, c).retry_count) for c in (speaking, joining)] == [
        (Stage.RETRYING, 0),
        (Stage.ASSEMBLING, 0),
    ]


def test_turns_whose_segments_are_gone_are_spoken_again(stores: Stores) -> None:
    claim = claimed(stores, Stage.ASSEMBLING)

    stores.runs.speak_again(claim, [1])

    job = job_of(stores, claim)
    assert (job.stage, job.turns_done) == (Stage.RETRYING, 1)
    again = stores.runs.claim(claim.job_id, Stage.SYNTHESIZING)
    assert again is not None
    assert list(stores.runs.stored_segments(again)) == [0]


Write = Callable[[RunStore, Claim], object]
WRITES: dict[str, Write] = {
    "record_turns": lambda runs, claim: runs.record_turns(claim, [TurnPart(0, new_id(), 1, 0)]),
    "retry": lambda runs, claim: runs.retry(claim, 5),
    "wait_for_storage": lambda runs, claim: runs.wait_for_storage(claim, 5),
    "hand_over": lambda runs, claim: runs.hand_over(claim),
    "speak_again": lambda runs, claim: runs.speak_again(claim, [0]),
    "begin_upload": lambda runs, claim: runs.begin_upload(claim, new_id(), "audio/late", "audio/mpeg"),
    "complete": lambda runs, claim: runs.complete(claim, new_id(), size_bytes=1, duration_ms=1, metadata={}),
    "fail": lambda runs, claim: runs.fail(claim, FailureReason.INTERNAL),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_worker_that_lost_its_lease_writes_nothing(stores: Stores, engine: Engine, write: Write) -> None:
    claim = claimed(stores)
    end_lease(stores, claim)
    before = job_of(stores, claim)

    with pytest.raises(LeaseLost):
        write(stores.runs, claim)

    assert job_of(stores, claim) == before
    with engine.connect() as connection:
        assert connection.execute(select(audio_files)).all() == []
        assert connection.execute(select(job_turns)).all() == []


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_run_before_writes_nothing_into_the_run_after(stores: Stores, write: Write) -> None:
    """The job is being worked on again, by the same or another worker: only the new claim counts."""
    before = claimed(stores)
    speak_all_turns(stores, before)
    stores.runs.retry(before, delay_s=0)
    after = stores.runs.claim(before.job_id, Stage.SYNTHESIZING)
    assert after is not None

    with pytest.raises(LeaseLost):
        write(stores.runs, before)

    stores.runs.hand_over(after)


def test_a_beat_tells_which_jobs_are_still_ours(stores: Stores) -> None:
    kept, lost = claimed(stores), claimed(stores)
    end_lease(stores, lost)

    still_ours = stores.runs.beat({claim.job_id: claim.lease_token for claim in (kept, lost)})

    assert still_ours == {kept.job_id}


def test_a_method_outlasts_a_short_outage(stores: Stores, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database goes away in the middle of a run, and comes back: the run's next write waits for it."""
    claim = claimed(stores)
    real_begin, away = engine.begin, threading.Event()
    tries: list[int] = []

    def begin() -> object:
        tries.append(1)
        if len(tries) < 3:
            away.set()
            with engine.connect() as connection:  # an error as PostgreSQL gives it when it is shut down
                connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return real_begin()

    monkeypatch.setattr(engine, "begin", begin)
    stores.runs.hand_over(claim)

    assert away.is_set()
    assert len(tries) == 3
    assert job_of(stores, claim).stage == Stage.ASSEMBLING
