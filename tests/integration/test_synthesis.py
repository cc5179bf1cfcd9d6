"""Speaking the turns of a job: real stores, a stand-in vendor, one message at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from actors.providers.provider import ProviderError
from actors.settings import WorkSettings
from service.requests.revision import revision_of
from storage.jobs import LOCAL_USER_ID, Claim, FailureReason
from storage.rules import JobRules
from storage.run_store import RunStore
from storage.stages import JobStatus, Stage
from storage.stores import Stores
from tests.integration.conftest import later
from tests.integration.studio import Rehearsal, rehearsal
from tests.samples import script

TEN = [f"line number {n}" for n in range(10)]


@pytest.fixture
def stage(stores: Stores) -> Iterator[Rehearsal]:
    with rehearsal(stores) as made:
        yield made


def spoken(stage: Rehearsal) -> list[str]:
    return sorted(call.body["input"] for call in stage.vendor.calls_for("speech"))


def make_due(stage: Rehearsal, minutes: int = 1) -> None:
    """Let the wait of a retry pass: the worker's clock runs so far ahead from now on."""
    ahead = RunStore(stage.stores.engine, JobRules(), later(timedelta(minutes=minutes)))
    stage.studio = replace(stage.studio, stores=replace(stage.stores, runs=ahead))


def test_every_turn_is_spoken_in_its_voice_and_the_job_goes_on_to_be_joined(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", "two", "three", provider="openai"))

    assert stage.synthesize(job_id) is None

    calls = stage.vendor.calls_for("speech")
    assert {(call.body["input"], call.body["voice"]) for call in calls} == {
        ("one", "alloy"),
        ("two", "onyx"),
        ("three", "alloy"),
    }
    job = stage.job(job_id)
    assert (job.status, job.stage, job.turns_done) == (JobStatus.PROCESSING, Stage.ASSEMBLING, 3)
    assert stage.published == [(job_id, Stage.ASSEMBLING)]
    assert len(list(stage.stores.audio.keys("segments/"))) == 3


def test_a_message_that_comes_twice_does_nothing_the_second_time(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", "two", provider="openai"))

    for _ in range(2):
        stage.synthesize(job_id)

    assert spoken(stage) == ["one", "two"]


def test_turns_that_say_the_same_in_one_voice_are_spoken_once(stage: Rehearsal) -> None:
    job_id = stage.submit(script("yes", "yes", "yes", "yes", provider="openai"))

    stage.synthesize(job_id)

    assert len(stage.vendor.calls_for("speech")) == 2  # A's and B's
    assert stage.job(job_id).turns_done == 4
    stage.assemble(job_id)
    metadata = stage.job(job_id).result_metadata
    assert metadata is not None
    assert (metadata["billed_characters"], metadata["cached_characters"]) == (6, 6)


def test_several_turns_are_spoken_at_a_time_but_never_more_than_is_allowed(stores: Stores) -> None:
    with rehearsal(stores, WorkSettings(turns_at_once=3)) as stage:
        stage.vendor.stall()
        job_id = stage.submit(script(*TEN, provider="openai"))
        worker = threading.Thread(target=stage.synthesize, args=(job_id,))
        worker.start()
        stage.vendor.wait_for_calls(3)
        in_hand = len(stage.vendor.calls)
        stage.vendor.release()
        worker.join()

    assert in_hand == 3
    assert stage.job(job_id).turns_done == 10


def test_progress_is_written_as_each_turn_is_done(stores: Stores) -> None:
    with rehearsal(stores, WorkSettings(turns_at_once=1)) as stage:
        job_id = stage.submit(script("one", "two", provider="openai"))
        progress: list[int] = []
        speak = stage.studio.providers["openai"].speak

        def watched(line: object, timeout_s: float) -> bytes:
            progress.append(stage.job(job_id).turns_done)
            return speak(line, timeout_s)  # pyright: ignore[reportArgumentType]

        stage.studio.providers["openai"].speak = watched  # pyright: ignore[reportAttributeAccessIssue]
        stage.synthesize(job_id)

    assert progress == [0, 1]


def test_a_transient_error_waits_five_ten_and_twenty_seconds_and_then_fails(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.vendor.fail(4, 503, {"error": {"message": "overloaded, try later"}})

    waits: list[float | None] = []
    for retries in range(4):
        waits.append(stage.synthesize(job_id))
        if retries < 3:
            job = stage.job(job_id)
            assert (job.stage, job.retry_count) == (Stage.RETRYING, retries + 1)
            make_due(stage, minutes=retries + 1)

    assert waits == [5, 10, 20, None]
    job = stage.job(job_id)
    assert (job.status, job.error_code, job.retry_count) == (JobStatus.FAILED, FailureReason.PROVIDER_FAILED, 3)
    assert job.error_detail is not None
    assert "overloaded, try later" in job.error_detail


def test_a_retry_speaks_only_what_is_missing(stores: Stores) -> None:
    with rehearsal(stores, WorkSettings(turns_at_once=1)) as stage:
        job_id = stage.submit(script(*TEN, provider="openai"))
        stage.vendor.delay(0)
        speak = stage.studio.providers["openai"].speak
        calls: list[int] = []

        def failing_at_the_fifth(line: object, timeout_s: float) -> bytes:
            calls.append(1)
            if len(calls) == 5:
                stage.vendor.fail(1, 500)
            return speak(line, timeout_s)  # pyright: ignore[reportArgumentType]

        stage.studio.providers["openai"].speak = failing_at_the_fifth  # pyright: ignore[reportAttributeAccessIssue]
        assert stage.synthesize(job_id) == 5
        assert stage.job(job_id).turns_done == 4
        make_due(stage)
        assert stage.synthesize(job_id) is None

    heard = [call.body["input"] for call in stage.vendor.calls_for("speech")]
    assert heard == [*TEN[:5], *TEN[4:]]


def test_the_vendors_own_wait_counts_when_it_is_longer(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.vendor.fail(1, 429, "slow down", {"Retry-After": "17"})

    assert stage.synthesize(job_id) == 17


def test_the_vendors_own_wait_does_not_count_when_it_is_shorter(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.vendor.fail(1, 429, "slow down", {"Retry-After": "1"})

    assert stage.synthesize(job_id) == 5


def test_a_wait_past_the_deadline_is_not_waited(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.vendor.fail(1, 429, "come back tomorrow", {"Retry-After": "86400"})

    assert stage.synthesize(job_id) is None

    assert stage.job(job_id).error_code == FailureReason.PROVIDER_FAILED


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_permanent_error_fails_at_once(stage: Rehearsal, status: int) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.vendor.fail(1, status, {"error": {"message": "we do not like it"}})

    assert stage.synthesize(job_id) is None

    job = stage.job(job_id)
    assert (job.status, job.error_code, job.retry_count) == (JobStatus.FAILED, FailureReason.PROVIDER_REJECTED, 0)
    assert len(stage.vendor.calls_for("speech")) == 1


@pytest.mark.parametrize("how", ["empty", "garbage", "cut"])
def test_a_turn_without_audio_is_a_failure_of_the_vendor(stage: Rehearsal, how: str) -> None:
    job_id = stage.submit(script("one", provider="openai"))
    stage.vendor.misbehave(how)  # pyright: ignore[reportArgumentType]

    assert stage.synthesize(job_id) == 5
    assert stage.job(job_id).turns_done == 0


def test_an_unconfigured_provider_is_a_refusal_in_plain_words(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", provider="azure"))

    assert stage.synthesize(job_id) is None

    job = stage.job(job_id)
    assert job.error_code == FailureReason.PROVIDER_REJECTED
    assert job.error_detail is not None
    assert "AZURE_SPEECH_KEY" in job.error_detail


def test_a_resubmitted_job_pays_only_for_what_was_not_spoken(stage: Rehearsal) -> None:
    first = stage.submit(script("one", "two", "three", provider="openai"))
    stage.synthesize(first)
    claim = stage.stores.runs.claim(first, Stage.ASSEMBLING)
    assert claim is not None
    stage.stores.runs.fail(claim, FailureReason.SYSTEM_INTERRUPTED)
    stage.vendor.reset()

    again = stage.stores.jobs.resubmit(LOCAL_USER_ID, first)
    stage.synthesize(again.id)
    stage.assemble(again.id)

    assert spoken(stage) == []
    metadata = job_of_id(stage, again.id)
    assert (metadata["billed_characters"], metadata["cached_characters"]) == (0, len("onetwothree"))


def test_two_jobs_that_say_the_same_at_once_have_each_turn_spoken_once(stores: Stores) -> None:
    with rehearsal(stores, WorkSettings(turns_at_once=2)) as stage:
        stage.vendor.delay(0.05)
        jobs = [stage.submit(script(*TEN, provider="openai", speakers="A")) for _ in range(2)]
        jobs.append(stage.submit(script(*TEN[::-1], provider="openai", speakers="A")))
        workers = [threading.Thread(target=stage.synthesize, args=(job_id,)) for job_id in jobs]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        for job_id in jobs:
            stage.assemble(job_id)

    assert spoken(stage) == TEN
    details = [job_of_id(stage, job_id) for job_id in jobs]
    characters = sum(map(len, TEN))
    assert sum(detail["billed_characters"] for detail in details) == characters
    assert all(detail["billed_characters"] + detail["cached_characters"] == characters for detail in details)


def test_who_needs_what_another_job_is_speaking_waits_for_it(stage: Rehearsal) -> None:
    stage.vendor.stall()
    first, second = (stage.submit(script("one", provider="openai")) for _ in range(2))
    speaking, waiting = (threading.Thread(target=stage.synthesize, args=(job_id,)) for job_id in (first, second))
    speaking.start()
    stage.vendor.wait_for_calls(1)
    waiting.start()
    wait_until(lambda: stage.job(second).stage == Stage.SYNTHESIZING)
    stage.vendor.release()
    speaking.join()
    waiting.join()

    assert spoken(stage) == ["one"]
    assert stage.job(second).stage == Stage.ASSEMBLING


@pytest.mark.parametrize("end", ["fails", "dies"])
def test_what_another_job_does_not_finish_is_spoken_by_who_waits_for_it(stage: Rehearsal, end: str) -> None:
    stage.vendor.stall()
    first, second = (stage.submit(script("one", provider="openai")) for _ in range(2))
    speaking, waiting = (threading.Thread(target=stage.synthesize, args=(job_id,)) for job_id in (first, second))
    speaking.start()
    stage.vendor.wait_for_calls(1)
    waiting.start()
    wait_until(lambda: len(stage.stores.sweeps.leases()) == 2)
    if end == "fails":
        stage.vendor.fail(1, 503, "overloaded")
        stage.vendor.release()
    else:
        # Its call never ends; the scheduler sees its death.
        (dead,) = [lease for lease in stage.stores.sweeps.leases() if lease.job_id == first]
        stage.stores.sweeps.interrupt(dead)
        stage.vendor.wait_for_calls(2)
        stage.vendor.release()
    waiting.join()
    speaking.join()

    assert spoken(stage) == ["one", "one"]
    assert stage.job(second).stage == Stage.ASSEMBLING
    assert len(stage.stores.runs.stored_segments(claim_of(stage, second))) == 1


def test_who_waits_for_another_job_still_minds_its_own_deadline(stores: Stores) -> None:
    with rehearsal(stores) as stage:
        stage.vendor.stall()
        first = stage.submit(script("one", provider="openai"))
        speaking = threading.Thread(target=stage.synthesize, args=(first,))
        speaking.start()
        stage.vendor.wait_for_calls(1)
        stores.runs._rules = JobRules(deadline=timedelta(seconds=1))
        second = stage.submit(script("one", provider="openai"))
        stage.synthesize(second)
        stage.vendor.release()
        speaking.join()

    assert stage.job(second).error_code == FailureReason.TIMEOUT
    assert stage.job(first).stage == Stage.ASSEMBLING


def test_a_turn_in_a_voice_of_its_own_is_spoken_in_it(stage: Rehearsal) -> None:
    plain = script("one", "two", "three", provider="openai")
    job_id = stage.submit(replace(plain, turns=(replace(plain.turns[0], voice_id="nova"), *plain.turns[1:])))

    stage.synthesize(job_id)

    calls = stage.vendor.calls_for("speech")
    assert {call.body["input"]: call.body["voice"] for call in calls} == {
        "one": "nova",
        "two": "onyx",
        "three": "alloy",
    }


TWO_HUNDRED = [f"line {n}" for n in range(200)]


def test_of_two_hundred_turns_that_failed_in_the_middle_only_the_missing_are_spoken_again(stage: Rehearsal) -> None:
    job_id = stage.submit(script(*TWO_HUNDRED, provider="openai"))
    speak = stage.studio.providers["openai"].speak

    def refusing_from_turn_150_on(line: Any, timeout_s: float) -> bytes:
        if TWO_HUNDRED.index(line.text) >= 150:
            raise ProviderError("the quota is used up", permanent=True)
        return speak(line, timeout_s)

    stage.studio.providers["openai"].speak = refusing_from_turn_150_on  # pyright: ignore[reportAttributeAccessIssue]
    stage.synthesize(job_id)
    assert stage.job(job_id).status == JobStatus.FAILED
    assert spoken(stage) == sorted(TWO_HUNDRED[:150])
    stage.studio.providers["openai"].speak = speak  # pyright: ignore[reportAttributeAccessIssue]
    stage.vendor.reset()

    again = stage.stores.jobs.resubmit(LOCAL_USER_ID, job_id).id
    stage.synthesize(again)
    stage.assemble(again)

    assert spoken(stage) == sorted(TWO_HUNDRED[150:])
    detail = job_of_id(stage, again)
    assert detail["billed_characters"] == sum(map(len, TWO_HUNDRED[150:]))
    assert detail["cached_characters"] == sum(map(len, TWO_HUNDRED[:150]))


def test_a_revision_of_one_of_two_hundred_lines_is_one_call(stage: Rehearsal) -> None:
    def spoken_and_failed(job_id: UUID) -> UUID:
        stage.stores.runs.fail(claim_of(stage, job_id), FailureReason.SYSTEM_INTERRUPTED)
        return job_id

    def revised(earlier: UUID, **change: Any) -> UUID:
        script, takes = stage.stores.jobs.to_revise(LOCAL_USER_ID, earlier)
        body = {"turns": [{"index": 77, **change}]}
        revision = revision_of(script, takes, body, stage.studio.providers)
        stage.vendor.reset()
        job = stage.stores.jobs.submit(LOCAL_USER_ID, revision.script, takes=revision.takes, revised_from=earlier)
        stage.synthesize(job.id)
        return job.id

    first = spoken_and_failed(stage.submit(script(*TWO_HUNDRED, provider="openai")))

    other_words = spoken_and_failed(revised(first, text="something else"))
    assert spoken(stage) == ["something else"]
    other_voice = spoken_and_failed(revised(other_words, voice_id="nova"))
    assert [call.body["voice"] for call in stage.vendor.calls_for("speech")] == ["nova"]
    another_take = revised(other_voice, speak_again=True)
    assert spoken(stage) == ["something else"]
    stage.assemble(another_take)
    detail = job_of_id(stage, another_take)
    assert detail["billed_characters"] == len("something else")
    assert detail["cached_characters"] == sum(map(len, TWO_HUNDRED)) - len(TWO_HUNDRED[77])

    revised(another_take, text=TWO_HUNDRED[77], voice_id="onyx")
    assert spoken(stage) == []


def test_a_new_take_is_spoken_once_whatever_becomes_of_its_job(stage: Rehearsal) -> None:
    plain = script("one", "two", provider="openai")
    stage.synthesize(stage.submit(plain))
    retaken = stage.stores.jobs.submit(LOCAL_USER_ID, plain, takes={0: "second"}).id
    stage.synthesize(retaken)
    assert spoken(stage) == ["one", "one", "two"]
    stage.stores.runs.fail(claim_of(stage, retaken), FailureReason.SYSTEM_INTERRUPTED)
    stage.vendor.reset()

    again = stage.stores.jobs.resubmit(LOCAL_USER_ID, retaken).id
    stage.synthesize(again)

    assert spoken(stage) == []
    taken, first = (stage.stores.runs.stored_segments(claim_of(stage, job))[0] for job in (again, stage.submit(plain)))
    assert taken != first


def claim_of(stage: Rehearsal, job_id: UUID) -> Claim:
    """A job that is spoken, claimed to be joined; one that is new is spoken first."""
    stage.synthesize(job_id)
    claim = stage.stores.runs.claim(job_id, Stage.ASSEMBLING)
    assert claim is not None
    return claim


def wait_until(true: Callable[[], bool], timeout_s: float = 10) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


def job_of_id(stage: Rehearsal, job_id: object) -> dict[str, int]:
    metadata = stage.job(job_id).result_metadata  # pyright: ignore[reportArgumentType]
    assert metadata is not None
    return dict(metadata)


def test_a_hanging_vendor_is_a_timeout_when_the_deadline_is_over(stores: Stores) -> None:
    stores.runs._rules = JobRules(deadline=timedelta(seconds=1))
    with rehearsal(stores) as stage:
        stage.vendor.stall()
        job_id = stage.submit(script("one", "two", provider="openai"))

        assert stage.synthesize(job_id) is None
        stage.vendor.release()

    job = stage.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, FailureReason.TIMEOUT)


def test_a_run_that_lost_its_lease_stops_and_leaves_the_job_alone(stores: Stores) -> None:
    with rehearsal(stores, WorkSettings(turns_at_once=1)) as stage:
        stage.vendor.stall()
        job_id = stage.submit(script("one", "two", "three", provider="openai"))
        worker = threading.Thread(target=stage.synthesize, args=(job_id,))
        worker.start()
        stage.vendor.wait_for_calls(1)
        (lease,) = stores.sweeps.leases()
        assert stores.sweeps.interrupt(lease)
        stage.studio.leases.beat()
        stage.vendor.release()
        worker.join()

    assert spoken(stage) == ["one"]
    assert stage.job(job_id).error_code == FailureReason.SYSTEM_INTERRUPTED
    assert stage.published == []


def test_a_defect_of_ours_fails_the_job_and_says_so(stage: Rehearsal) -> None:
    job_id = stage.submit(script("one", provider="openai"))

    def broken(line: object, timeout_s: float) -> bytes:
        raise RuntimeError("a defect")

    stage.studio.providers["openai"].speak = broken  # pyright: ignore[reportAttributeAccessIssue]
    assert stage.synthesize(job_id) is None

    job = stage.job(job_id)
    assert (job.status, job.error_code, job.error_detail) == (JobStatus.FAILED, FailureReason.INTERNAL, None)
