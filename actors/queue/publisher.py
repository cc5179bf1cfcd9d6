"""The publisher: one thread of a process that sends messages to the broker, beside whoever has work to announce.

What it cannot send it drops: the row says that the job is due, and the scheduler sends again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog

from actors.queue.broker import JobBroker, announce
from storage.job_store import JobStore
from storage.stages import Stage

#: Messages that wait to be sent. More than this means that the broker is away.
WAITING_AT_MOST: Final = 10_000
#: So many are on their way to the broker at once, and are then written down as sent.
_BATCH: Final = 100
#: The connection is kept alive at this interval while there is nothing to send.
_IDLE_S: Final = 10.0

log = structlog.get_logger()


class Publisher:
    """Sends messages about jobs. `publish` never waits and never raises."""

    def __init__(self, broker: JobBroker, jobs: JobStore) -> None:
        self._broker = broker
        self._jobs = jobs
        self._waiting: queue.Queue[tuple[UUID, Stage] | None] = queue.Queue(WAITING_AT_MOST)
        #: What waits, or is on its way. While the broker is away, the scheduler announces the same jobs again.
        self._held: set[tuple[UUID, Stage]] = set()
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self, timeout_s: float = 5) -> None:
        """Send what waits, for at most `timeout_s` seconds, and end."""
        self._stopping.set()
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(timeout_s)

    def publish(self, job_id: UUID, stage: Stage) -> None:
        """Announce that a job is due for a stage; once, however often it is called before the message is sent."""
        with self._guard:
            if (job_id, stage) in self._held:
                return
            try:
                self._waiting.put_nowait((job_id, stage))
            except queue.Full:
                log.warning("message_dropped", job_id=str(job_id), reason="the broker does not keep up")
            else:
                self._held.add((job_id, stage))

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._waiting.empty()):
            batch = self._next_batch()
            if batch:
                self._send(batch)
                with self._guard:
                    self._held.difference_update(batch)
            else:
                self._broker.keep_alive()

    def _next_batch(self) -> Sequence[tuple[UUID, Stage]]:
        """What waits, as soon as something does; empty after a while in which nothing came."""
        batch: list[tuple[UUID, Stage] | None] = []
        with suppress(queue.Empty):
            batch.append(self._waiting.get(timeout=_IDLE_S))
            while len(batch) < _BATCH:
                batch.append(self._waiting.get_nowait())
        return [entry for entry in batch if entry is not None]

    def _send(self, batch: Sequence[tuple[UUID, Stage]]) -> None:
        sent: list[UUID] = []
        try:
            for job_id in announce(self._broker, batch):
                sent.append(job_id)
        except Exception as error:  # noqa: BLE001 # pika, sockets and timeouts each have their own; all mean: not sent
            log.warning("broker_unavailable", unsent=len(batch) - len(sent), error=repr(error))
        try:
            if sent:
                self._jobs.mark_published(sent)
        except Exception as error:  # noqa: BLE001 # at worst the scheduler sends them once more
            log.warning("publish_not_noted", messages=len(sent), error=repr(error))
