"""Joining the segments of a job: real stores, one message at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import av
import pytest
from sqlalchemy import select

from actors.assembly import title_of
from actors.audio.waveform import pairs_of
from storage import audio_store, run_statements
from storage.audio_store import ObjectStoreFull, ObjectStoreUnavailable
from storage.jobs import FailureReason, LeaseLost
from storage.run_store import RunStore
from storage.stages import JobStatus, Stage
from storage.stores import Stores
from storage.tables import audio_files, jobs
from tests.integration.studio import Rehearsal, rehearsal
from tests.samples import script
from tests.standins import tone


@pytest.fixture
def stage(stores: Stores) -> Iterator[Rehearsal]:
    with rehearsal(stores) as made:
        yield made


def audio_of(stage: Rehearsal, job_id: object) -> bytes:
    audio = stage.stores.jobs.audio_file(stage.job(job_id))  # pyright: ignore[reportArgumentType]
    assert audio is not None
    data = b"".join(stage.stores.audio.open(audio.object_key))
    assert len(data) == audio.size_bytes
    return data


def decoded_ms(data: bytes) -> int:
    with av.open(io.BytesIO(data), "r") as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
        return round(samples * 1000 / container.streams.audio[0].rate)


@pytest.mark.parametrize(
    ("output_format", "codec"),
    [("mp3", "mp3float"), ("wav", "pcm_s16le"), ("ogg", "opus"), ("flac", "flac"), ("m4a", "aac")],
)
def test_a_job_becomes_one_file_whose_timeline_is_true(stage: Rehearsal, output_format: str, codec: str) -> None:
    job_id = stage.submit(script("one", "two", "three", provider="openai", output_format=output_format))
    stage.synthesize(job_id)

    assert stage.assemble(job_id) is None

    job = stage.job(job_id)
    assert (job.status, job.stage) == (JobStatus.COMPLETED, Stage.DONE)
    assert job.result_metadata is not None
    timings = job.result_metadata["turn_timings"]
    assert [timing["turn_index"] for timing in timings] == [0, 1, 2]
    assert timings[0]["start_ms"] == 0
    gaps = [after["start_ms"] - before["end_ms"] for before, after in pairwise(timings)]
    assert all(299 <= gap <= 301 for gap in gaps)
    data = audio_of(stage, job_id)
    assert decoded_ms(data) == job.result_metadata["duration_ms"]
    # The file ends with its last turn; that of m4a, with a whole frame of the codec.
    rest_ms = job.result_metadata["duration_ms"] - timings[-1]["end_ms"]
    assert 0 <= rest_ms < 43 if output_format == "m4a" else rest_ms == 0
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name.removeprefix("lib") == codec
        # Opus keeps what it says of itself with the stream.
        assert output_format == "wav" or (container.metadata | stream.metadata)["title"] == "one"


def test_the_waveform_is_kept_with_the_audio(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", "two", provider="openai", gap_ms=1000))
    stage.synthesize(job_id)
    stage.assemble(job_id)

    audio = stage.stores.jobs.audio_file(stage.job(job_id))
    assert audio is not None
    pairs = pairs_of(stage.stores.jobs.peaks(audio))
    assert 600 < len(pairs) <= 1000
    a_turn, the_gap = pairs[len(pairs) // 20], pairs[len(pairs) // 2]
    assert a_turn[0] < -0.1 < 0.1 < a_turn[1]
    assert the_gap == (0, 0)


def test_levels_are_left_alone_when_that_is_asked_for(stage: Rehearsal) -> None:
    def highest(normalize: bool) -> float:
        job_id = stage.submit(replace(script("one", provider="openai"), normalize=normalize))
        stage.synthesize(job_id)
        stage.assemble(job_id)
        audio = stage.stores.jobs.audio_file(stage.job(job_id))
        assert audio is not None
        return max(high for _, high in pairs_of(stage.stores.jobs.peaks(audio)))

    as_spoken = tone.AMPLITUDE / 32_768
    assert highest(normalize=False) == pytest.approx(as_spoken, abs=0.01)
    assert highest(normalize=True) != pytest.approx(as_spoken, abs=0.01)


def test_a_long_beginning_is_cut_for_the_title() -> None:
    assert title_of(script("a \n title")) == "a title"
    assert title_of(script("x" * 61)) == "x" * 59 + "…"


def test_only_the_audio_and_the_segments_are_left_in_the_store(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", "two", provider="openai"))
    stage.synthesize(job_id)
    stage.assemble(job_id)

    audio = stage.stores.jobs.audio_file(stage.job(job_id))
    assert audio is not None
    assert list(stage.stores.audio.keys("audio/")) == [audio.object_key]
    assert len(list(stage.stores.audio.keys("segments/"))) == 2


def test_a_message_that_comes_twice_joins_once(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.synthesize(job_id)

    for _ in range(2):
        stage.assemble(job_id)

    assert len(list(stage.stores.audio.keys("audio/"))) == 1


@pytest.mark.parametrize("harm", ["gone", "garbage", "cut", "empty"])
def test_a_segment_that_is_gone_or_damaged_is_spoken_again(stage: Rehearsal, harm: str) -> None:
    job_id = stage.submit(script("one", "two", provider="openai"))
    stage.synthesize(job_id)
    key = next(stage.stores.audio.keys("segments/"))
    whole = b"".join(stage.stores.audio.open(key))
    if harm == "gone":
        stage.stores.audio.delete(key)
    else:
        damaged = {"garbage": b"\xff" * 5000, "cut": whole[: len(whole) // 2], "empty": b""}
        stage.stores.audio.put(key, damaged[harm], "audio/wav")

    stage.assemble(job_id)
    assert stage.job(job_id).stage == Stage.RETRYING
    assert stage.published[-1] == (job_id, Stage.SYNTHESIZING)
    stage.synthesize(job_id)
    stage.assemble(job_id)

    assert stage.job(job_id).status == JobStatus.COMPLETED
    assert len(stage.vendor.calls_for("speech")) == 3


def test_a_run_that_lost_its_lease_takes_its_object_back(stage: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.synthesize(job_id)
    complete = RunStore.complete

    def interrupted(runs: RunStore, claim: object, *args: object, **kwargs: object) -> None:
        (lease,) = stage.stores.sweeps.leases()
        assert stage.stores.sweeps.interrupt(lease)
        complete(runs, claim, *args, **kwargs)  # pyright: ignore[reportArgumentType, reportCallIssue]

    monkeypatch.setattr(RunStore, "complete", interrupted)
    stage.assemble(job_id)

    assert stage.job(job_id).error_code == FailureReason.SYSTEM_INTERRUPTED
    assert list(stage.stores.audio.keys("audio/")) == []


def test_without_the_fence_the_dead_run_would_have_the_last_word(
    stage: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same dead run, on a store that does not ask for the lease, overwrites the end."""
    job_id = stage.submit(script("one", provider="openai"))
    claim = stage.stores.runs.claim(job_id, Stage.SYNTHESIZING)
    assert claim is not None
    (lease,) = stage.stores.sweeps.leases()
    assert stage.stores.sweeps.interrupt(lease)
    with pytest.raises(LeaseLost):
        stage.stores.runs.fail(claim, FailureReason.TIMEOUT)
    assert stage.job(job_id).error_code == FailureReason.SYSTEM_INTERRUPTED

    monkeypatch.setattr(run_statements, "fence", lambda claim: jobs.c.id == claim.job_id)
    stage.stores.runs.fail(claim, FailureReason.TIMEOUT)

    assert stage.job(job_id).error_code == FailureReason.TIMEOUT


def test_while_the_object_store_is_away_the_job_waits(stage: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.synthesize(job_id)

    def away(*_: object) -> None:
        raise ObjectStoreUnavailable("connection refused")

    monkeypatch.setattr(audio_store.AudioStore, "put_file", away)
    assert stage.assemble(job_id) == 5

    job = stage.job(job_id)
    assert (job.status, job.stage, job.retry_count) == (JobStatus.PROCESSING, Stage.ASSEMBLING, 0)


def test_a_full_object_store_fails_the_job_in_clear_words(stage: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.synthesize(job_id)

    def full(*_: object) -> None:
        raise ObjectStoreFull("XMinioStorageFull")

    monkeypatch.setattr(audio_store.AudioStore, "put_file", full)
    assert stage.assemble(job_id) is None

    job = stage.job(job_id)
    assert (job.error_code, job.error_detail) == (FailureReason.STORAGE_FAILED, "the object store is full")
    with stage.stores.engine.connect() as connection:
        assert connection.execute(select(audio_files.c.state)).scalars().all() == ["uploading"]
