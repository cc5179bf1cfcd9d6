"""What has had its time goes, objects and rows: for each kind one that is too young, one that is due, one in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event, func, select, update

from scheduler import retention, sweeps
from storage import retention_store
from storage.audio_store import AudioStore
from storage.jobs import LOCAL_USER_ID, FailureReason, JobNotFound, new_id
from storage.retention_store import RetentionStore
from storage.segment_store import SegmentIntent
from storage.stages import JobStatus, Stage
from storage.stores import Stores
from storage.tables import audio_files, jobs, segments
from tests.integration.conftest import claimed, delivered, job_of, later, speak_all_turns
from tests.samples import script


def stored_segment(stores: Stores, key: str) -> UUID:
    """A segment that nobody uses, and its object."""
    segment_id = new_id()
    stores.segments.claim(SegmentIntent(segment_id, LOCAL_USER_ID, segment_id.bytes * 2, key), None)
    stores.audio.put(key, b"RIFF", "audio/wav")
    stores.segments.finish_upload(segment_id)
    return segment_id


def in_the_future(stores: Stores, delta: timedelta) -> Stores:
    """The same stores, seen by a scheduler that much later."""
    return replace(stores, retention=RetentionStore(stores.engine, later(delta)))


@pytest.mark.parametrize(("kept", "too_long"), [(timedelta(days=29), timedelta(days=31))])
def test_a_completed_job_goes_after_thirty_days_with_its_audio(
    stores: Stores, kept: timedelta, too_long: timedelta
) -> None:
    claim, key = delivered(stores)
    active = claimed(stores)

    assert retention.expire_jobs(in_the_future(stores, kept)) == 0
    assert list(stores.audio.keys("audio/")) == [key]
    assert retention.expire_jobs(in_the_future(stores, too_long)) == 1

    assert list(stores.audio.keys("audio/")) == []
    with pytest.raises(JobNotFound):
        job_of(stores, claim)
    assert job_of(stores, active).status == JobStatus.PROCESSING


def test_a_job_whose_row_is_held_keeps_no_other_from_going(stores: Stores, engine: Engine) -> None:
    held, _ = delivered(stores)
    free, _ = delivered(stores)
    with engine.begin() as connection:  # as a resubmit does that is frozen
        connection.execute(select(jobs.c.id).where(jobs.c.id == held.job_id).with_for_update(key_share=True))
        assert retention.expire_jobs(in_the_future(stores, timedelta(days=31))) == 1
        with pytest.raises(JobNotFound):
            job_of(stores, free)

    assert retention.expire_jobs(in_the_future(stores, timedelta(days=31))) == 1


def test_a_cancelled_job_goes_after_seven_days(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    stores.jobs.cancel(LOCAL_USER_ID, job.id)

    assert retention.expire_jobs(in_the_future(stores, timedelta(days=6))) == 0
    assert retention.expire_jobs(in_the_future(stores, timedelta(days=8))) == 1


def test_a_resubmitted_job_outlives_the_one_that_it_came_from(stores: Stores) -> None:
    first = stores.jobs.submit(LOCAL_USER_ID, script())
    stores.jobs.cancel(LOCAL_USER_ID, first.id)
    again = stores.jobs.resubmit(LOCAL_USER_ID, first.id)

    retention.expire_jobs(in_the_future(stores, timedelta(days=8)))

    assert stores.jobs.get(LOCAL_USER_ID, again.id).resubmitted_from is None


def test_a_row_stays_while_its_object_cannot_be_deleted(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The object goes first: while the object store is away, nothing is forgotten."""
    claim, key = delivered(stores)
    future = in_the_future(stores, timedelta(days=31))
    real_url = stores.audio._settings.s3_endpoint_url
    stores.audio.close()
    monkeypatch.setattr(stores.audio, "_settings", stores.audio._settings.model_copy(update={"s3_endpoint_url": DEAD}))

    assert retention.expire_jobs(future) == 0
    assert job_of(stores, claim).status == JobStatus.COMPLETED

    stores.audio.close()
    monkeypatch.setattr(
        stores.audio, "_settings", stores.audio._settings.model_copy(update={"s3_endpoint_url": real_url})
    )
    assert list(stores.audio.keys("audio/")) == [key]
    assert retention.expire_jobs(future) == 1
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

    assert retention.collect_abandoned_audio(stores) == 0  # its bytes may still be on their way
    assert retention.collect_abandoned_audio(in_the_future(stores, timedelta(hours=1))) == 1

    assert set(stores.audio.keys("audio/")) == {f"audio/{alive.job_id}", delivered_key}
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(audio_files)).scalar_one() == 2


def test_segments_go_after_a_week_unless_an_active_job_has_them(stores: Stores, engine: Engine) -> None:
    stored_segment(stores, "segments/unused")
    active = claimed(stores)
    speak_all_turns(stores, active)
    unfinished = new_id()
    stores.segments.claim(SegmentIntent(unfinished, LOCAL_USER_ID, b"u" * 32, "segments/unfinished"), None)

    assert retention.expire_segments(in_the_future(stores, timedelta(minutes=1))) == 0
    assert retention.expire_segments(in_the_future(stores, timedelta(hours=1))) == 1  # the upload of a dead worker
    assert retention.expire_segments(in_the_future(stores, timedelta(days=6))) == 0
    assert retention.expire_segments(in_the_future(stores, timedelta(days=8))) == 1

    assert list(stores.audio.keys("segments/")) == []
    assert len(stores.runs.stored_segments(active)) == 2
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(segments)).scalar_one() == 2
        assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() == 1


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> int:
    """Batches of two rows, so that a few rows are many batches."""
    monkeypatch.setattr(retention_store, "BATCH", 2)
    return 2


@pytest.fixture
def refused_keys(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Keys that the object store will not delete, as one under an object lock."""
    refused: set[str] = set()
    delete_many = AudioStore.delete_many

    def delete_others(self: AudioStore, keys: Sequence[str]) -> Mapping[str, str]:
        kept = {key: "AccessDenied" for key in keys if key in refused}
        return {**delete_many(self, [key for key in keys if key not in kept]), **kept}

    monkeypatch.setattr(AudioStore, "delete_many", delete_others)
    return refused


@pytest.mark.usefixtures("small_batches")
def test_an_object_that_cannot_be_deleted_holds_up_no_other(stores: Stores, refused_keys: set[str]) -> None:
    files = [delivered(stores) for _ in range(7)]
    stuck, key = files[0]
    refused_keys.add(key)
    future = in_the_future(stores, timedelta(days=31))

    assert retention.expire_jobs(future) == 6
    assert job_of(stores, stuck).status == JobStatus.COMPLETED
    assert future.retention.overdue(by=timedelta(hours=1)) == {"jobs": 1, "segments": 0}

    refused_keys.clear()
    assert retention.expire_jobs(future) == 1
    assert future.retention.overdue(by=timedelta(hours=1)) == {"jobs": 0, "segments": 0}
    assert list(stores.audio.keys("audio/")) == []


@pytest.mark.usefixtures("small_batches")
def test_one_sweep_takes_all_segments_however_many_and_tries_the_refused_again(
    stores: Stores, refused_keys: set[str]
) -> None:
    for number in range(7):
        stored_segment(stores, f"segments/{number}")
    refused_keys.add("segments/3")
    future = in_the_future(stores, timedelta(days=8))

    assert retention.expire_segments(future) == 6
    assert future.retention.overdue(by=timedelta(hours=1)) == {"jobs": 0, "segments": 1}
    assert retention.expire_segments(future) == 0

    refused_keys.clear()
    assert retention.expire_segments(future) == 1
    assert list(stores.audio.keys("segments/")) == []


def test_a_segment_that_is_being_taken_is_not_waited_for(stores: Stores, engine: Engine) -> None:
    taken = stored_segment(stores, "segments/taken")
    stored_segment(stores, "segments/unused")
    with engine.begin() as connection:
        connection.execute(update(segments).where(segments.c.id == taken).values(last_used_at=segments.c.last_used_at))

        assert retention.expire_segments(in_the_future(stores, timedelta(days=8))) == 1

    assert list(stores.audio.keys("segments/")) == ["segments/taken"]


def test_parts_of_an_upload_that_was_killed_go(stores: Stores) -> None:
    dead = claimed(stores, Stage.ASSEMBLING)
    key = f"audio/{dead.job_id}"
    stores.runs.begin_upload(dead, new_id(), key, "audio/mpeg")
    stores.audio._client.create_multipart_upload(Bucket=stores.audio._bucket, Key=key)
    stores.runs.fail(dead, FailureReason.SYSTEM_INTERRUPTED)

    assert retention.collect_abandoned_audio(in_the_future(stores, timedelta(hours=1))) == 1

    assert not stores.audio._client.list_multipart_uploads(Bucket=stores.audio._bucket).get("Uploads")


def test_every_sweep_finds_its_rows_by_an_index(stores: Stores, engine: Engine) -> None:
    """Without one a sweep of a million rows takes longer than a statement may, and then fails for ever."""
    plans: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        if connection.info.get("explains") or not statement.startswith(("SELECT", "UPDATE")):
            return
        connection.info["explains"] = True
        # A small table is faster read whole; this tells what a large one is asked.
        connection.exec_driver_sql("SET enable_seqscan = off")
        plans.extend(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())
        connection.info["explains"] = False

    event.listen(engine, "before_cursor_execute", explain)
    for sweep in (retention.expire_jobs, retention.expire_segments, retention.collect_abandoned_audio):
        sweep(stores)
    for sweep in (sweeps.time_out, sweeps.orphan, sweeps.DeadWorkers()):
        sweep(stores)
    sweeps.dispatch(stores, lambda _job, _stage: None)
    stores.retention.overdue(by=timedelta(hours=1))

    plan = "\n".join(plans)
    assert "Seq Scan" not in plan
    wanted = {"jobs_expiry", "jobs_deadline", "jobs_pending", "jobs_owned", "jobs_due", "audio_files_uploading"}
    wanted |= {"segments_expired", "segments_stored", "segments_unfinished"}
    assert {name for name in wanted if f"using {name} on" not in plan and f"on {name} " not in plan} == set()
