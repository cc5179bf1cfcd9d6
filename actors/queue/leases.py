"""Leases: the heartbeat of the jobs that this process works on.

A thread and a connection of its own bump a counter in every row, one statement for all, so that work which keeps
every other thread and connection busy does not look like death. The scheduler watches the counter.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import structlog
from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware

from storage.jobs import Claim
from storage.run_store import RunStore

#: Seconds between two beats. The scheduler takes several missed ones for death.
HEARTBEAT_S: Final = 5.0

log = structlog.get_logger()


class Lease:
    """A claim that is kept alive. `lost` is set when a beat finds that the job is another worker's, or has ended."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.lost = threading.Event()


class Leases(Middleware):
    """Beats for every lease that is held, from the start of the worker to its end.

    `runs`: a RunStore over an engine that nobody else uses.
    """

    def __init__(self, runs: RunStore, interval_s: float = HEARTBEAT_S) -> None:
        self._runs = runs
        self._interval_s = interval_s
        self._held: dict[UUID, Lease] = {}
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_stopped, name="heartbeat", daemon=True)

    @contextmanager
    def hold(self, claim: Claim) -> Generator[Lease]:
        """Keep a claim alive for as long as the block runs."""
        lease = Lease(claim)
        with self._guard:
            self._held[claim.lease_token] = lease
        try:
            yield lease
        finally:
            with self._guard:
                del self._held[claim.lease_token]

    def held(self) -> Sequence[Lease]:
        """The leases of the work in hand."""
        with self._guard:
            return list(self._held.values())

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Begin to beat."""
        self._thread.start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Stop beating; nothing is in hand any more, or it is given up."""
        self._stopping.set()
        self._thread.join()

    def _beat_until_stopped(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self.beat()

    def beat(self) -> None:
        """Bump the counters once, and tell the leases that are lost."""
        leases = self.held()
        if not leases:
            return
        try:
            still_ours = self._runs.beat({lease.claim.job_id: lease.claim.lease_token for lease in leases})
        except Exception as error:  # noqa: BLE001 # the database is away; the scheduler cannot look either
            log.warning("heartbeat_missed", jobs=len(leases), error=repr(error))
            return
        for lease in leases:
            if lease.claim.job_id not in still_ours:
                lease.lost.set()
