"""What the scheduler puts right: for each sweep a job that is too young, one that is due, one that is done already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, update

from scheduler import sweeps
from storage import sweep_store as module
from storage.engine import transaction
from storage.errors import DatabaseUnavailable
from storage.job_store import JobStore
from storage.jobs import LOCAL_USER_ID, FailureReason
from storage.rules import JobRules
from storage.run_store import RunStore
from storage.stages import JobStatus, Stage
from storage.stores import Stores
from storage.sweep_store import SweepStore
from storage.tables import jobs
from tests.integration.conftest import claimed, delivered, job_of, later, speak_all_turns
from tests.integration.system import wait_until
from tests.samples import script


def in_the_future(stores: Stores, delta: timedelta) -> Stores:
    """The same stores, seen by a scheduler that much later."""
    return replace(stores, sweeps=SweepStore(stores.engine, JobRules(), later(delta)))


def test_a_due_job_is_sent_once_until_its_message_seems_lost_again(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    sent: list[tuple[UUID, Stage]] = []

    def publish(job_id: UUID, stage: Stage) -> None:
        sent.append((job_id, stage))
        stores.jobs.mark_published([job_id])

    def dispatch(after_s: float) -> int:
        return sweeps.dispatch(in_the_future(stores, timedelta(seconds=after_s)), publish)

    assert dispatch(after_s=0) == 0  # its own message may be on its way
    assert dispatch(after_s=1) == 1
    assert dispatch(after_s=15) == 0
    assert dispatch(after_s=40) == 1
    assert sent == [(job.id, Stage.SYNTHESIZING)] * 2


@pytest.mark.parametrize(
    ("empty", "sent_again"),
    [({"synthesis"}, 1), ({"assembly"}, 0), (set[str](), 0)],
    ids=["its own", "another", "none"],
)
def test_a_message_that_has_left_its_queue_and_was_not_received_is_sent_again_at_once(
    stores: Stores, empty: set[str], sent_again: int
) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    JobStore(stores.engine, JobRules(), later(timedelta(seconds=100))).mark_published([job.id])

    def dispatch(after_s: float) -> int:
        seen = in_the_future(stores, timedelta(seconds=after_s))
        return sweeps.dispatch(seen, lambda _job, _stage: None, lambda: empty)

    assert dispatch(after_s=103) == 0, "it may be on its way"
    assert dispatch(after_s=106) == sent_again


def test_the_queues_are_looked_at_only_when_a_job_has_been_waiting(stores: Stores) -> None:
    def asked() -> set[str]:
        raise AssertionError

    stores.jobs.mark_published([stores.jobs.submit(LOCAL_USER_ID, script()).id])
    assert sweeps.dispatch(in_the_future(stores, timedelta(seconds=3)), lambda _job, _stage: None, asked) == 0


def test_a_job_that_no_worker_takes_is_sent_less_and_less_often(stores: Stores) -> None:
    """Ten messages in its first hour; every 20 s it would be a hundred and eighty."""
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    sent_at_s = [0]
    stores.jobs.mark_published([job.id])
    for at_s in range(10, 3600, 10):
        now = later(timedelta(seconds=at_s))
        seen = replace(stores, sweeps=SweepStore(stores.engine, JobRules(), now))
        if sweeps.dispatch(seen, lambda _job_id, _stage: None):
            JobStore(stores.engine, JobRules(), now).mark_published([job.id])
            sent_at_s.append(at_s)

    # A look every ten seconds finds it up to ten seconds late, and what was late counts as waiting.
    pauses = [after - before for before, after in pairwise(sent_at_s)]
    assert len(sent_at_s) in {9, 10}
    for pause, wanted in zip(pauses, [20, 40, 80, 160, 320, 600, 600, 600, 600], strict=False):
        assert wanted <= pause <= 1.7 * wanted


def test_a_job_that_is_due_anew_is_sent_as_if_it_never_had_waited(stores: Stores) -> None:
    def dispatch(after: timedelta) -> int:
        return sweeps.dispatch(in_the_future(stores, after), lambda _job_id, _stage: None)

    job = stores.jobs.submit(LOCAL_USER_ID, script())
    JobStore(stores.engine, JobRules(), later(timedelta(hours=1))).mark_published([job.id])
    assert dispatch(timedelta(hours=1, minutes=5)) == 0
    claim = stores.runs.claim(job.id, Stage.SYNTHESIZING)
    assert claim is not None
    stores.runs.retry(claim, delay_s=0)

    assert dispatch(timedelta(seconds=2)) == 1
    stores.jobs.mark_published([job.id])
    assert dispatch(timedelta(seconds=20)) == 0
    assert dispatch(timedelta(seconds=60)) == 1


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


def test_a_clock_that_goes_back_keeps_no_job_waiting(stores: Stores) -> None:
    before = later(timedelta(hours=1))
    ahead = replace(
        stores, jobs=JobStore(stores.engine, JobRules(), before), runs=RunStore(stores.engine, JobRules(), before)
    )
    pending = ahead.jobs.submit(LOCAL_USER_ID, script())
    ahead.jobs.mark_published([pending.id])
    waiting = claimed(ahead)
    ahead.runs.retry(waiting, 20)
    working = claimed(ahead)
    sent: list[UUID] = []

    def dispatch() -> int:
        return sweeps.dispatch(in_the_future(stores, timedelta(seconds=1)), lambda job_id, _: sent.append(job_id))

    assert dispatch() == 0, "they would wait for an hour"
    assert sweeps.set_times_right(stores) == 3
    assert sweeps.set_times_right(stores) == 0
    assert dispatch() == 2
    assert set(sent) == {pending.id, waiting.job_id}
    assert stores.runs.claim(pending.id, Stage.SYNTHESIZING) is not None
    assert job_of(stores, working).elapsed_ms == 0
    assert sweeps.time_out(in_the_future(stores, timedelta(minutes=11))) == 3, "no deadline is an hour late"


def test_a_wait_that_can_be_is_left_alone(stores: Stores) -> None:
    waiting = claimed(stores)
    stores.runs.retry(waiting, 590)

    assert sweeps.set_times_right(stores) == 0


def test_all_processing_jobs_fail_when_the_system_was_restarted(stores: Stores) -> None:
    speaking, waiting = claimed(stores), claimed(stores)
    stores.runs.retry(waiting, delay_s=5)
    pending = stores.jobs.submit(LOCAL_USER_ID, script())

    assert stores.sweeps.interrupt_all() == 2

    assert {job_of(stores, claim).error_code for claim in (speaking, waiting)} == {FailureReason.SYSTEM_INTERRUPTED}
    assert stores.jobs.get(LOCAL_USER_ID, pending.id).status == JobStatus.PENDING


@contextmanager
def held(database_url: str, job_id: UUID) -> Iterator[None]:
    """The row of a job, locked by another session, as by a worker that is frozen within a transaction."""
    with psycopg.connect(database_url) as other:
        other.execute("SELECT id FROM jobs WHERE id = %s FOR UPDATE", (job_id,))
        yield


def test_a_row_that_is_held_keeps_no_other_dead_job_waiting(stores: Stores, clock: Clock, database_url: str) -> None:
    frozen, dead = claimed(stores), claimed(stores)
    dead_workers = sweeps.DeadWorkers(clock)
    dead_workers(stores)
    with held(database_url, frozen.job_id):
        assert watch(stores, dead_workers, clock, 16) == 1
        assert job_of(stores, dead).error_code == FailureReason.SYSTEM_INTERRUPTED
        assert job_of(stores, frozen).status == JobStatus.PROCESSING

    # What was seen of it still holds.
    assert watch(stores, dead_workers, clock, 2) == 1
    assert job_of(stores, frozen).error_code == FailureReason.SYSTEM_INTERRUPTED


def test_a_job_that_cannot_be_failed_keeps_no_other_dead_job_waiting(
    stores: Stores, clock: Clock, engine: Engine
) -> None:
    """A row that a constraint refuses to change, as one of a defect might."""
    bad, dead = claimed(stores), claimed(stores)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE jobs ADD CHECK (id <> '{bad.job_id}' OR error_code IS NULL)")
    dead_workers = sweeps.DeadWorkers(clock)
    dead_workers(stores)

    assert watch(stores, dead_workers, clock, 16) == 1
    assert job_of(stores, dead).error_code == FailureReason.SYSTEM_INTERRUPTED


def test_a_row_that_is_held_keeps_no_other_late_job_waiting(stores: Stores, database_url: str) -> None:
    frozen, late = claimed(stores), claimed(stores)
    with held(database_url, frozen.job_id):
        assert sweeps.time_out(in_the_future(stores, timedelta(minutes=11))) == 1
        assert job_of(stores, late).error_code == FailureReason.TIMEOUT

    assert sweeps.time_out(in_the_future(stores, timedelta(minutes=11))) == 1


def test_a_row_that_is_held_keeps_no_other_orphan_waiting(stores: Stores, database_url: str) -> None:
    frozen, forgotten = (stores.jobs.submit(LOCAL_USER_ID, script()) for _ in range(2))
    with held(database_url, frozen.id):
        assert sweeps.orphan(in_the_future(stores, timedelta(hours=25))) == 1
        assert stores.jobs.get(LOCAL_USER_ID, forgotten.id).error_code == FailureReason.ORPHANED


def test_more_late_jobs_than_one_statement_takes_all_fail(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    for _ in range(3):
        claimed(stores)

    assert sweeps.time_out(in_the_future(stores, timedelta(minutes=11))) == 3


def test_a_transaction_that_is_left_open_loses_its_locks(stores: Stores, engine: Engine) -> None:
    """So the row of a worker that is frozen within one is free again, before the worker is taken for dead."""
    claim = claimed(stores)
    (seen,) = stores.sweeps.leases()
    freed: list[bool] = []

    def work() -> None:
        with transaction(engine) as connection:
            connection.execute(update(jobs).where(jobs.c.id == claim.job_id).values(turns_done=1))
            wait_until(lambda: stores.sweeps.interrupt(seen), "the lock is gone", timeout_s=sweeps.STANDSTILL_S)
            freed.append(True)
            connection.execute(update(jobs).where(jobs.c.id == claim.job_id).values(turns_done=2))

    with pytest.raises(DatabaseUnavailable):
        work()
    assert freed
    assert job_of(stores, claim).turns_done == 0
