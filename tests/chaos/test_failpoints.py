"""A worker is killed at each of its acts, right before it and right after it, and started again: its job ends well.

Every case has a worker and a queue of its own, and all cases go on at the same time: every worker dies, a scheduler
finds out, every worker is there again.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

import pytest
from dramatiq import Message

from actors.queue.broker import make_broker
from scheduler.sweeps import DeadWorkers
from storage.jobs import FailureReason, Job
from storage.stages import WORK, JobStatus, Stage
from storage.stores import Stores
from storage.tables import jobs as jobs_table
from tests.chaos import verdict
from tests.chaos.cluster import RULES, environment_of_nobody, wait_until
from tests.chaos.ground import Ground
from tests.chaos.process import MOMENTS, Act, Failpoint, become, was_obeyed
from tests.chaos.verdict import Violations
from tests.samples import script
from tests.standins.openai import OpenAIStandIn

PATIENCE_S = 60.0

#: The acts of a worker that speaks two turns and joins them.
ON_A_GOOD_DAY: Sequence[tuple[Act, int]] = (
    *(("commit", nth) for nth in range(1, 7)),
    ("publish", 1),
    ("put", 1),
    ("put", 3),
    ("ack", 1),
    ("ack", 2),
)
#: The same, as long as the vendor fails: the retry is sent, comes back when it is due, and is sent on.
ON_A_BAD_DAY: Sequence[tuple[Act, int]] = (("publish", 1), ("publish", 2), ("ack", 1), ("ack", 2))

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.chaos.process", "actors.__main__"])


@dataclass(frozen=True)
class Case:
    """A job, the worker that has it, and where that worker is to die."""

    failpoint: Failpoint
    job_id: UUID
    rabbitmq_url: str
    environment: Mapping[str, str]
    directory: Path

    @property
    def orders(self) -> Path:
        return self.directory / f"{self.failpoint}.orders"

    def start_worker(self) -> BaseProcess:
        log = self.orders.with_suffix(".log")
        worker = FORKS.Process(target=become, args=(["worker"], self.environment, self.orders, log))
        worker.start()
        return worker

    def announce(self, stage: Stage) -> None:
        """Send the message that says: look at this job now."""
        work = WORK[stage]
        broker = make_broker([self.rabbitmq_url])
        broker.enqueue(Message(work.queue, work.actor, args=(str(self.job_id),), kwargs={}, options={}))
        broker.close()


@dataclass(frozen=True)
class Scene:
    """All cases of a test, and what they share."""

    stores: Stores
    vendor: OpenAIStandIn
    cases: Sequence[Case]

    def job(self, case: Case) -> Job:
        with self.stores.engine.connect() as connection:
            user_id = connection.execute(
                jobs_table.select().with_only_columns(jobs_table.c.user_id).where(jobs_table.c.id == case.job_id)
            ).scalar_one()
        return self.stores.jobs.get(user_id, case.job_id)

    def everybody_dies_where_it_was_told_to(self) -> None:
        for case in self.cases:
            case.failpoint.order(case.orders)
        with at_work(self.cases) as workers:
            for case in self.cases:
                case.announce(Stage.SYNTHESIZING)
            for case, worker in zip(self.cases, workers, strict=True):
                worker.join(PATIENCE_S)
                assert worker.exitcode == -signal.SIGKILL, f"{case.failpoint}: {worker.exitcode}, {self.job(case)}"
                assert was_obeyed(case.orders)

    def a_scheduler_sees_the_dead(self) -> None:
        """Fifteen seconds of its clock in no time."""
        now = iter(range(0, 100, 2))
        sweep = DeadWorkers(lambda: float(next(now)))
        for _ in range(10):
            sweep(self.stores)
        assert self.stores.sweeps.leases() == []

    def everybody_goes_on(self) -> None:
        """The workers are there again, and what is due is sent, in case that its message was never sent."""
        with at_work(self.cases):
            case_of = {case.job_id: case for case in self.cases}
            for job_id, stage in self.stores.sweeps.due(overdue_s=0, republish_s=0, limit=1000):
                case_of[job_id].announce(stage)
            wait_until(lambda: not any(self.job(case).status.is_active for case in self.cases), PATIENCE_S, "all ended")

    def everything_is_in_order(self) -> None:
        violations = Violations()
        ends = verdict.ends_of(self.stores)
        verdict.judge_jobs({}, ends, violations)
        verdict.judge_objects(self.stores, ends, violations)
        assert not violations.count, violations


@contextmanager
def at_work(cases: Sequence[Case]) -> Iterator[Sequence[BaseProcess]]:
    with ExitStack() as stack:
        workers: list[BaseProcess] = []
        for case in cases:
            worker = case.start_worker()
            stack.callback(worker.join)
            stack.callback(worker.kill)
            workers.append(worker)
        yield workers


@pytest.fixture
def stage_scene(
    ground: Ground, take_virtual_host: Callable[[], str], server_directory: Path
) -> Iterator[Callable[[Sequence[tuple[Act, int]]], Scene]]:
    with ExitStack() as stack:
        stores = stack.enter_context(ground.stores())
        vendor = stack.enter_context(OpenAIStandIn())

        def stage(acts: Sequence[tuple[Act, int]]) -> Scene:
            cases: list[Case] = []
            for failpoint in (Failpoint(act, moment, nth) for act, nth in acts for moment in MOMENTS):
                url = take_virtual_host()
                name = f"user of {failpoint}"
                user_id = stores.keys.user_of(stores.keys.create(name))
                assert user_id is not None
                job = stores.jobs.submit(user_id, script("one", "two", provider="openai"))
                environment = {
                    **environment_of_nobody(),
                    **RULES,
                    **ground.environment,
                    **vendor.environment,
                    "RABBITMQ_URL": url,
                    "WORKER_THREADS": "2",
                    "TURNS_AT_ONCE": "1",
                }
                cases.append(Case(failpoint, job.id, url, environment, server_directory))
            return Scene(stores, vendor, cases)

        yield stage


def test_a_worker_killed_at_any_of_its_acts_leaves_a_job_that_ends_well(
    stage_scene: Callable[[Sequence[tuple[Act, int]]], Scene],
) -> None:
    scene = stage_scene(ON_A_GOOD_DAY)

    scene.everybody_dies_where_it_was_told_to()
    scene.a_scheduler_sees_the_dead()
    scene.everybody_goes_on()

    for case in scene.cases:
        job = scene.job(case)
        in_hand = case.failpoint.act == "put" or (case.failpoint.act == "commit" and job.status is JobStatus.FAILED)
        expected = (JobStatus.FAILED, FailureReason.SYSTEM_INTERRUPTED) if in_hand else (JobStatus.COMPLETED, None)
        assert (job.status, job.error_code) == expected, case.failpoint
    scene.everything_is_in_order()


def test_a_worker_killed_around_a_retry_loses_neither_the_job_nor_the_count(
    stage_scene: Callable[[Sequence[tuple[Act, int]]], Scene],
) -> None:
    scene = stage_scene(ON_A_BAD_DAY)
    scene.vendor.fail(len(scene.cases), 503)

    scene.everybody_dies_where_it_was_told_to()
    scene.a_scheduler_sees_the_dead()
    scene.everybody_goes_on()

    assert {scene.job(case).status for case in scene.cases} == {JobStatus.COMPLETED}
    scene.everything_is_in_order()
