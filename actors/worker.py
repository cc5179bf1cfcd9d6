"""The worker: Dramatiq's threads at work on our two queues, in this process, with a start and a graceful stop."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import dramatiq
import structlog

from actors.assembly import declare_assemble
from actors.broker import JobBroker
from actors.leases import Leases
from actors.providers.provider import Provider
from actors.publisher import Publisher
from actors.run import Studio
from actors.settings import WorkSettings
from actors.synthesis import declare_synthesize
from storage.jobs import FailureReason, LeaseLost
from storage.stores import Stores

#: Threads look this often whether they are to stop, and consumers whether a delayed message is due.
_LOOK_MS: Final = 100

log = structlog.get_logger()


class JobWorker:
    """Works on jobs from `start` to `stop`. `broker` has `leases` among its middleware."""

    def __init__(
        self,
        broker: JobBroker,
        leases: Leases,
        stores: Stores,
        providers: Mapping[str, Provider],
        publisher: Publisher,
        settings: WorkSettings,
        queues: Collection[str],
    ) -> None:
        self._broker = broker
        self._leases = leases
        self._stores = stores
        self._grace_period_s = settings.grace_period_s
        studio = Studio(
            settings=settings,
            runs=stores.runs,
            segments=stores.segments,
            audio=stores.audio,
            providers=providers,
            leases=leases,
            publish=publisher.publish,
        )
        declare_synthesize(broker, studio)
        declare_assemble(broker, studio)
        self._worker = dramatiq.Worker(
            broker, queues=set(queues), worker_threads=settings.worker_threads, worker_timeout=_LOOK_MS
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
        return all(thread.is_alive() for thread in self._worker.workers)

    def stop(self) -> bool:
        """Take nothing new, finish the work in hand within the grace period, and give up what is left.

        Whether all was finished.
        """
        self._worker.stop(timeout=round(self._grace_period_s * 1000))
        left = self._leases.held()
        for lease in left:
            log.warning("job_given_up", job_id=str(lease.claim.job_id))
            try:
                self._stores.runs.fail(lease.claim, FailureReason.SYSTEM_INTERRUPTED)
            except LeaseLost:
                continue
        return not left
