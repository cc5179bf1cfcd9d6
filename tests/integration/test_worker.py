"""The worker in this process: Dramatiq's threads on our actors, and the holes of Dramatiq that are mended here."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import dramatiq
import pytest
from dramatiq.middleware import TimeLimitExceeded
from dramatiq.worker import WorkerThread

from actors.providers.registry import make_providers
from actors.providers.settings import ProviderSettings
from actors.queue.broker import FencedRabbitmqBroker, JobBroker, make_broker
from actors.queue.leases import Leases
from actors.queue.publisher import Publisher
from actors.queue.worker import JobWorker
from actors.run import work_on
from actors.settings import WorkSettings
from actors.synthesis import synthesize
from actors.system import System, at_work
from embedded.object_store import ObjectStore
from scheduler import sweeps
from storage.engine import outlasting_outages
from storage.errors import DatabaseUnavailable
from storage.jobs import LOCAL_USER_ID, Claim, FailureReason, Job
from storage.run_store import RunStore
from storage.stages import QUEUES, JobStatus, Stage
from storage.stores import Stores
from tests.integration.studio import lowered
from tests.integration.system import wait_until
from tests.samples import script
from tests.standins.openai import OpenAIStandIn


@dataclass
class Shop:
    """A worker at work in this process."""

    stores: Stores
    broker: JobBroker
    leases: Leases
    publisher: Publisher
    worker: JobWorker
    vendor: OpenAIStandIn

    def submit(self, *texts: str, user_id: UUID = LOCAL_USER_ID) -> UUID:
        """The id of a new job, announced."""
        job = self.stores.jobs.submit(user_id, script(*texts, provider="openai"))
        self.publisher.publish(job.id, Stage.SYNTHESIZING)
        return job.id

    def job(self, job_id: UUID) -> Job:
        """The row as it is."""
        return self.stores.jobs.get(LOCAL_USER_ID, job_id)

    def has_ended(self, job_id: UUID) -> bool:
        """Whether it is completed, failed or cancelled."""
        return not self.job(job_id).status.is_active

    def wait_for(self, job_id: UUID, status: JobStatus) -> Job:
        """The row, as soon as it has this status."""
        wait_until(lambda: self.job(job_id).status == status, f"{self.job(job_id)} to be {status}")
        return self.job(job_id)


@contextmanager
def shop(
    stores: Stores, rabbitmq_url: str | None, prepare: Callable[[Shop], None] = lambda _: None, **settings: Any
) -> Iterator[Shop]:
    """`prepare` is called before the worker starts."""
    work = WorkSettings(**{"worker_threads": 2, "grace_period_s": 5, **settings})
    with ExitStack() as stack:
        vendor = stack.enter_context(OpenAIStandIn())
        providers = make_providers(ProviderSettings.model_validate(lowered(vendor.environment)))
        for provider in providers.values():
            stack.callback(provider.close)
        leases = Leases(stores.heartbeats)
        broker = make_broker(rabbitmq_url and [rabbitmq_url], leases)
        stack.callback(broker.close)
        publisher = stack.enter_context(at_work(Publisher(broker, stores.jobs)))
        worker = JobWorker(System(stores, leases, broker, publisher), providers, work, QUEUES)
        made = Shop(stores, broker, leases, publisher, worker, vendor)
        prepare(made)
        worker.start()
        stack.callback(worker.stop)
        stack.callback(vendor.release)
        yield made


def test_a_job_is_done_in_one_process_without_a_broker(stores: Stores) -> None:
    with shop(stores, None) as made:
        made.wait_for(made.submit("one", "two"), JobStatus.COMPLETED)


@pytest.mark.parametrize("row_first", [True, False])
def test_a_retry_whose_message_vanishes_is_sent_by_the_scheduler_because_the_row_came_first(
    stores: Stores, rabbitmq_url: str, row_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_what_is_delayed(made: Shop) -> None:
        enqueue = made.broker.enqueue

        def losing(message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
            if delay is not None:
                raise ConnectionError("the broker is away")  # Dramatiq swallows it, and acknowledges the message
            return enqueue(message)

        monkeypatch.setattr(made.broker, "enqueue", losing)
        made.vendor.fail(1, 503)

    if not row_first:
        monkeypatch.setattr(stores.runs, "retry", lambda claim, delay_s: None)
    with shop(stores, rabbitmq_url, lose_what_is_delayed, retry_delays_s=(0.2,)) as made:
        job_id = made.submit("once more")
        made.vendor.wait_for_calls(1)
        wait_until(lambda: not made.leases.held(), "the run is over")

        if row_first:
            assert made.job(job_id).stage == Stage.RETRYING
            wait_until(lambda: sweeps.dispatch(stores, made.publisher.publish) == 1, "it is overdue")
            assert made.wait_for(job_id, JobStatus.COMPLETED).retry_count == 1
        else:
            # Nobody works on it, and nobody would ever send it.
            assert made.job(job_id).stage == Stage.SYNTHESIZING
            assert stores.sweeps.due(overdue_s=-3600, republish_s=0, limit=10) == []


@pytest.mark.parametrize("clock_runs", [True, False])
def test_an_actor_that_hangs_is_interrupted_because_its_clock_was_started(
    stores: Stores, clock_runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted, over = threading.Event(), threading.Event()

    def prepare(made: Shop) -> None:
        @dramatiq.actor(broker=made.broker, queue_name="synthesis", actor_name="hang", time_limit=100, max_retries=0)
        def hang() -> None:
            try:
                while not over.is_set():
                    time.sleep(0.01)
            except TimeLimitExceeded:
                interrupted.set()

        if not clock_runs:
            emit = made.broker.emit_after
            started = "process_boot"
            monkeypatch.setattr(
                made.broker, "emit_after", lambda signal, *a, **k: None if signal == started else emit(signal, *a, **k)
            )
        hang.send()

    with shop(stores, None, prepare):
        # It is looked at once a second.
        assert interrupted.wait(10 if clock_runs else 2) == clock_runs
        over.set()


@pytest.mark.parametrize(("prefetch", "left"), [(None, 2), (2, 1)])
def test_a_worker_fetches_no_more_than_it_can_begin(
    stores: Stores, rabbitmq_url: str, prefetch: int | None, left: int
) -> None:
    def as_dramatiq_would(made: Shop) -> None:
        made.vendor.stall()
        if prefetch is not None:
            made.broker.in_hand = {"synthesis": prefetch}  # twice the threads

    with shop(stores, rabbitmq_url, as_dramatiq_would, worker_threads=1) as made:
        assert isinstance(made.broker, FencedRabbitmqBroker)
        jobs = [made.submit(f"job {number}") for number in range(3)]
        channel = made.broker.channel

        def waiting() -> int:
            return channel.queue_declare("synthesis", passive=True).method.message_count

        wait_until(lambda: made.vendor.calls and waiting() == left, f"{left} are left to others")
        made.vendor.release()
        for job_id in jobs:
            made.wait_for(job_id, JobStatus.COMPLETED)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("kind", ["worker", "consumer"])
def test_a_worker_with_a_dead_thread_is_not_alive(stores: Stores, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: Any) -> None:
        raise SystemExit

    def prepare(made: Shop) -> None:
        place = WorkerThread if kind == "worker" else dramatiq.worker.ConsumerThread
        monkeypatch.setattr(place, "process_message" if kind == "worker" else "handle_message", die)

    with shop(stores, None, prepare) as made:
        assert made.worker.is_alive
        made.submit("deadly")

        wait_until(lambda: not made.worker.is_alive, "it is noticed")


def test_a_worker_that_has_stopped_has_left_nothing_of_a_killed_job_undecided(stores: Stores) -> None:
    with shop(stores, None, grace_period_s=0.2) as made:
        made.vendor.stall()
        job_id = made.submit("never spoken")
        made.vendor.wait_for_calls(1)

        made.worker.stop()

        assert made.worker.gave_up
        job = made.job(job_id)
        assert (job.status, job.error_code) == (JobStatus.FAILED, FailureReason.SYSTEM_INTERRUPTED)
        # Its thread would go on when the database of this test is gone.
        made.vendor.release()
        wait_until(lambda: not made.leases.held(), "the thread that was given up has ended")


def test_what_was_spoken_while_the_object_store_is_away_is_kept_and_nothing_more_is_spoken(
    stores: Stores, object_store: ObjectStore
) -> None:
    texts = [f"line {number}" for number in range(8)]
    with shop(stores, None, turns_at_once=2) as made:
        object_store.kill()
        try:
            first = made.submit(*texts)
            wait_until(lambda: made.worker.studio.uploads.is_away, "it is known that the store is away")
            second = made.submit("a line of another job")
            wait_until(lambda: made.job(second).stage == Stage.RETRYING, "the other job waits")
            assert len(made.vendor.calls) <= 3, "those that were in hand when the store went away"
        finally:
            object_store.start()

        wait_until(
            lambda: (
                sweeps.dispatch(stores, made.publisher.publish) >= 0
                and made.has_ended(first)
                and made.has_ended(second)
            ),
            "both are done",
        )
        job = made.job(first)
        assert job.status == JobStatus.COMPLETED
        assert len(made.vendor.calls_for("speech")) == len(texts) + 1, "each line was spoken once"
        metadata = job.result_metadata
        assert metadata is not None
        assert metadata["billed_characters"] == sum(map(len, texts))


def test_a_short_job_of_another_user_waits_for_no_long_job(stores: Stores, another_user: UUID) -> None:
    """Three jobs of one user take all of the calls; the other's line is the next to be spoken."""
    with shop(stores, None, worker_threads=4, calls_at_once=2, turns_at_once=4) as made:
        made.vendor.stall()
        for number in range(3):
            made.submit(*[f"line {line} of job {number}" for line in range(20)])
        made.vendor.wait_for_calls(2)
        wait_until(lambda: len(made.leases.held()) == 3, "the long jobs have all begun")
        short = made.submit("only this", user_id=another_user)
        wait_until(lambda: len(made.leases.held()) == 4, "so has the short one")
        made.vendor.release()

        wait_until(lambda: made.stores.jobs.get(another_user, short).status == JobStatus.COMPLETED, "it is done")
        said = [call.body["input"] for call in made.vendor.calls_for("speech")]
        # Two calls were in hand. Those that were free next: at most one more of the many that had waited for longer.
        assert said.index("only this") <= 4


def test_jobs_that_wait_to_be_spoken_keep_none_from_being_joined(stores: Stores) -> None:
    with shop(stores, None, worker_threads=2) as made:
        ready = made.submit("already spoken")
        made.wait_for(ready, JobStatus.COMPLETED)
        made.vendor.stall()
        for number in range(2):
            made.submit(f"job {number}")
        made.vendor.wait_for_calls(3)  # both threads of the one queue wait for the vendor

        again = stores.jobs.submit(LOCAL_USER_ID, script("already spoken", provider="openai")).id
        work_on(again, Stage.SYNTHESIZING, synthesize, made.worker.studio)  # as another worker would

        made.wait_for(again, JobStatus.COMPLETED)
        made.vendor.release()


@pytest.mark.parametrize("harm", ["queue", "arguments", "actor", "body"])
def test_a_strange_message_is_put_aside_and_harms_no_thread(stores: Stores, rabbitmq_url: str, harm: str) -> None:
    message = {
        "queue_name": "nobodys" if harm == "queue" else "synthesis",
        "actor_name": "nobody" if harm == "actor" else "synthesize",
        "args": ["no", "id"] if harm == "arguments" else ["no id"],
        "kwargs": {},
        "options": {},
        "message_id": "1",
        "message_timestamp": 0,
    }
    body = b"{" if harm == "body" else json.dumps(message).encode()
    with shop(stores, rabbitmq_url) as made:
        assert isinstance(made.broker, FencedRabbitmqBroker)
        broker = made.broker
        assert broker.get_queue_message_counts("synthesis") == (0, 0, 0)
        broker.channel.basic_publish("", "synthesis", body)
        wait_until(lambda: broker.get_queue_message_counts("synthesis") == (0, 0, 1), "it is put aside")

        assert made.worker.is_alive
        made.wait_for(made.submit("after it"), JobStatus.COMPLETED)


def test_a_worker_that_stops_without_the_database_gives_up_all_its_jobs_in_time(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop(stores, None, grace_period_s=0.2, worker_threads=4) as made:
        made.vendor.stall()
        jobs = [made.submit(f"job {number}") for number in range(3)]
        made.vendor.wait_for_calls(3)
        tried: list[UUID] = []

        def away(_: RunStore, claim: Claim, *_reason: object) -> None:
            tried.append(claim.job_id)
            raise DatabaseUnavailable("gone")

        with monkeypatch.context() as patched:
            # As it is without its patience of a minute: which nobody has who stops.
            patched.setattr(RunStore, "fail", outlasting_outages(away))
            began = time.monotonic()
            made.worker.stop()
            assert time.monotonic() - began < 30, "not a minute for each of them"

        assert set(tried) == set(jobs)
        made.vendor.release()
        wait_until(lambda: not made.leases.held(), "the threads that were given up have ended")


def test_without_the_object_store_a_job_without_time_to_wait_has_failed(
    stores: Stores, object_store: ObjectStore
) -> None:
    object.__setattr__(stores.runs._rules, "deadline", stores.runs._rules.deadline / 120)  # 5 s
    with shop(stores, None) as made:
        object_store.kill()
        try:
            job = made.wait_for(made.submit("nowhere to put it"), JobStatus.FAILED)
        finally:
            object_store.start()

    assert job.error_code == FailureReason.STORAGE_FAILED
    assert job.error_detail == "the object store is away"
