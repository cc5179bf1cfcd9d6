"""The worker: Dramatiq's threads at work on our queues, in this process, with a start and a graceful stop."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import UUID

import dramatiq
import structlog
from dramatiq.worker import ConsumerThread, WorkerThread

from actors.assembly import assemble
from actors.providers.provider import Provider
from actors.queue.broker import JobBroker
from actors.run import INTERRUPTS, TIME_LIMIT_MARGIN_S, Story, work_on
from actors.settings import WorkSettings
from actors.studio import Studio
from actors.synthesis import synthesize
from actors.system import System
from storage.jobs import Claim, FailureReason, LeaseLost
from storage.stages import WORK, Stage

#: The function that does the work of each stage.
STORIES: Final[Mapping[Stage, Story]] = {
    Stage.SYNTHESIZING: synthesize,
    Stage.ASSEMBLING: assemble,
}

#: Threads look this often whether they are to stop, and consumers whether a delayed message is due.
_POLL_MS: Final = 100
#: A consumer may take so long to hear that it is to stop: it may just be trying to connect.
_CONSUMER_STOP_S: Final = 3.0

log = structlog.get_logger()


def declare_actor(broker: JobBroker, stage: Stage, story: Story, studio: Studio) -> None:
    """Have the messages of a stage worked on: the actor is a thin coat over `story`."""

    @dramatiq.actor(
        broker=broker,
        queue_name=WORK[stage].queue,
        actor_name=WORK[stage].actor,
        # The row says what is tried again, how often, and until when.
        max_retries=None,
        throws=INTERRUPTS,
        time_limit=(studio.stores.rules.deadline.total_seconds() + TIME_LIMIT_MARGIN_S) * 1000,
    )
    def actor(job_id: str) -> None:  # pyright: ignore[reportUnusedFunction] # the broker keeps it
        work_on(UUID(job_id), stage, story, studio)


class JobWorker:
    """Works on jobs from `start` to `stop`."""

    def __init__(
        self, parts: System, providers: Mapping[str, Provider], settings: WorkSettings, queues: Collection[str]
    ) -> None:
        broker, leases, stores = parts.broker, parts.leases, parts.stores
        self._broker = broker
        self._leases = leases
        self._stores = stores
        self._grace_period_s = settings.grace_period_s
        #: Whether `stop` has given up work: its threads would keep the process.
        self.gave_up = False
        studio = Studio(
            settings=settings,
            stores=stores,
            providers=providers,
            leases=leases,
            publish=parts.publisher.publish,
        )
        for stage, story in STORIES.items():
            declare_actor(broker, stage, story, studio)
        self._worker = dramatiq.Worker(
            broker, queues=set(queues), worker_threads=settings.worker_threads, worker_timeout=_POLL_MS
        )
        # What one process has fetched, no other can work on: never more than it can begin at once.
        self._worker.queue_prefetch = settings.worker_threads

    def start(self) -> None:
        """Begin to take jobs."""
        # Dramatiq's own command line emits this; TimeLimit starts its clock on it.
        self._broker.emit_after("process_boot")
        self._worker.start()

    @property
    def is_alive(self) -> bool:
        """Whether every thread lives. One that died takes no more jobs: the process should end and be restarted."""
        return all(thread.is_alive() for thread in self._threads())

    def stop(self) -> None:
        """Take nothing new, finish the work in hand within the grace period, and give up what is left."""
        self._take_nothing_new()
        self._worker.stop(timeout=round(self._grace_period_s * 1000))
        for lease in self._leases.held():
            self.gave_up = True
            self._give_up(lease.claim)

    def _take_nothing_new(self) -> None:
        """Hang up, while the work in hand goes on: what was fetched and not begun is another worker's at once.

        The messages of the work in hand go back as well. A worker that gets one finds that the job is taken.
        """
        for thread in self._threads():
            thread.stop()
        consumers = self._worker.consumers.values()
        with ThreadPoolExecutor(len(consumers)) as pool:
            pool.map(_hang_up, consumers)

    def _give_up(self, claim: Claim) -> None:
        log.warning("job_given_up", job_id=str(claim.job_id))
        try:
            self._stores.runs.fail(claim, FailureReason.SYSTEM_INTERRUPTED)
        except LeaseLost:
            pass  # it has just ended by itself
        except Exception as error:  # noqa: BLE001 # the database is away; the scheduler will see that we are dead
            log.warning("job_not_given_up", job_id=str(claim.job_id), error=repr(error))

    def _threads(self) -> Sequence[WorkerThread | ConsumerThread]:
        return [*self._worker.workers, *self._worker.consumers.values()]


def _hang_up(consumer: ConsumerThread) -> None:
    consumer.join(_CONSUMER_STOP_S)
    consumer.close()
