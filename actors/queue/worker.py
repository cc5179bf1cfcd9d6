"""The worker: Dramatiq's threads at work on our queues, in this process, with a start and a graceful stop."""

from __future__ import annotations

import time
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
from actors.studio import Studio, make_studio
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

#: A worker that stops writes down what it gives up for so long, for all jobs together.
_GIVE_UP_S: Final = 5.0

log = structlog.get_logger()


class MessageNotUnderstood(Exception):
    """A message that names no job."""


def declare_actor(broker: JobBroker, stage: Stage, story: Story, studio: Studio) -> None:
    """Have the messages of a stage worked on: the actor is a thin coat over `story`."""

    @dramatiq.actor(
        broker=broker,
        queue_name=WORK[stage].queue,
        actor_name=WORK[stage].actor,
        # The row says what is tried again, how often, and until when.
        max_retries=None,
        throws=(*INTERRUPTS, MessageNotUnderstood),
        time_limit=(studio.stores.rules.deadline.total_seconds() + TIME_LIMIT_MARGIN_S) * 1000,
    )
    def actor(*said: object) -> None:  # pyright: ignore[reportUnusedFunction] # the broker keeps it
        work_on(_job_id(said), stage, story, studio)


def _job_id(said: Sequence[object]) -> UUID:
    """What a message says: a job's id, and nothing else.

    Raises:
        MessageNotUnderstood: it is no message of ours. RabbitMQ puts it aside, among the dead letters.
    """
    try:
        (job_id,) = said
        return UUID(str(job_id))
    except ValueError:
        log.error("message_not_understood", arguments=repr(said)[:200])  # noqa: TRY400 # a stranger's, no crash
        raise MessageNotUnderstood from None


class JobWorker:
    """Works on jobs from `start` to `stop`."""

    def __init__(
        self, parts: System, providers: Mapping[str, Provider], settings: WorkSettings, queues: Collection[str]
    ) -> None:
        broker = self._broker = parts.broker
        self._grace_period_s = settings.grace_period_s
        #: Whether `stop` has given up work: its threads would keep the process.
        self.gave_up = False
        #: What its actors work with.
        self.studio = make_studio(settings, parts.stores, providers, parts.leases, parts.publisher.publish)
        for stage, story in STORIES.items():
            declare_actor(broker, stage, story, self.studio)
        # What one process has fetched, no other can work on: never more than it can begin at once. And there is a
        # thread for each of it, so that jobs that wait to be spoken keep none from being joined.
        broker.in_hand = {queue: settings.threads_of(queue) for queue in queues}
        self._worker = dramatiq.Worker(
            broker, queues=set(queues), worker_threads=sum(broker.in_hand.values()), worker_timeout=_POLL_MS
        )

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
        self.studio.dealer.close()
        self._give_up([lease.claim for lease in self.studio.leases.held()])

    def _take_nothing_new(self) -> None:
        """Hang up, while the work in hand goes on: what was fetched and not begun is another worker's at once.

        The messages of the work in hand go back as well. A worker that gets one finds that the job is taken.
        """
        for thread in self._threads():
            thread.stop()
        consumers = self._worker.consumers.values()
        with ThreadPoolExecutor(len(consumers)) as pool:
            pool.map(_hang_up, consumers)

    def _give_up(self, claims: Sequence[Claim]) -> None:
        """Write down that jobs have failed. What cannot be written in time the scheduler finds out by itself."""
        runs, ends_at = self.studio.stores.runs.impatient(), time.monotonic() + _GIVE_UP_S
        for claim in claims:
            self.gave_up = True
            log.warning("job_given_up", job_id=str(claim.job_id))
            try:
                if time.monotonic() < ends_at:
                    runs.fail(claim, FailureReason.SYSTEM_INTERRUPTED)
            except LeaseLost:
                pass  # it has just ended by itself
            except Exception as error:  # noqa: BLE001 # the database is away
                log.warning("job_not_given_up", job_id=str(claim.job_id), error=repr(error))

    def _threads(self) -> Sequence[WorkerThread | ConsumerThread]:
        return [*self._worker.workers, *self._worker.consumers.values()]


def _hang_up(consumer: ConsumerThread) -> None:
    consumer.join(_CONSUMER_STOP_S)
    consumer.close()
