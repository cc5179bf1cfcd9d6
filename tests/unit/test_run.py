"""actors/run.py: what becomes of a job whose run was broken off, and what a run asks of itself."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest
from dramatiq.middleware import TimeLimitExceeded

from actors.outcome import Fail, Outcome, WaitForStorage
from actors.queue.leases import Lease
from actors.run import STORAGE_RETRY_S, DeadlinePassed, Run, outcome_of
from storage.audio_store import ObjectMissing, ObjectStoreFull, ObjectStoreUnavailable
from storage.errors import DatabaseUnavailable
from storage.jobs import Claim, FailureReason, LeaseLost, new_id
from storage.stages import Stage
from tests.samples import script


def run_with(remaining_s: float) -> Run:
    claim = Claim(new_id(), new_id(), Stage.SYNTHESIZING, 1, uuid4(), script(), 0, remaining_s)
    return Run(claim, Lease(claim), time.monotonic() + remaining_s)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (DeadlinePassed(), Fail(FailureReason.TIMEOUT)),
        (TimeLimitExceeded(), Fail(FailureReason.TIMEOUT)),
        (ObjectStoreFull("quota"), Fail(FailureReason.STORAGE_FAILED, "the object store is full")),
        (ObjectStoreUnavailable("refused"), WaitForStorage(STORAGE_RETRY_S)),
        (ObjectMissing("404"), Fail(FailureReason.INTERNAL)),
        (DatabaseUnavailable("refused"), Fail(FailureReason.INTERNAL)),
        (ZeroDivisionError(), Fail(FailureReason.INTERNAL)),
    ],
)
def test_what_breaks_a_run_off_says_what_becomes_of_the_job(error: BaseException, outcome: Outcome) -> None:
    assert outcome_of(error, run_with(remaining_s=60)) == outcome


def test_a_job_without_time_for_another_try_does_not_wait_for_the_object_store() -> None:
    outcome = outcome_of(ObjectStoreUnavailable("refused"), run_with(remaining_s=STORAGE_RETRY_S - 1))

    assert outcome == Fail(FailureReason.STORAGE_FAILED, "the object store is away")


def test_a_run_goes_on_only_while_the_job_is_its_own_and_there_is_time() -> None:
    run_with(remaining_s=60).check()
    with pytest.raises(DeadlinePassed):
        run_with(remaining_s=0).check()
    lost = run_with(remaining_s=60)
    lost.lease.lost.set()
    with pytest.raises(LeaseLost):
        lost.check()
