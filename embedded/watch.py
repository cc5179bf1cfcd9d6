"""What looks after a run: a server that has died is started again, and the run ends when that does not help.

A thread of the worker that has died ends it, too: a system that takes jobs and does none is worse than none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from actors.queue.worker import JobWorker
from embedded.errors import EmbeddedServerError
from embedded.server import EmbeddedServer

#: How often the run is looked at, in seconds.
_POLL_S: Final = 1.0
#: So many deaths in a row are enough.
_MOST_DEATHS: Final = 5
#: A server that has lived for so long, in seconds, has been started well; its next death is the first again.
_WELL_AFTER_S: Final = 60.0

log = structlog.get_logger()


class Revival:
    """Starts one server again, at the same address, whenever it has died."""

    def __init__(self, server: EmbeddedServer, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._clock = clock
        self._deaths = 0
        self._started_at: float | None = clock()

    def look(self) -> None:
        """Start the server if it has died. A start that fails is a death, too.

        Raises:
            EmbeddedServerError: it has died five times in a row, or could not be started so often.
        """
        if not self._server.has_ended:
            return
        if self._started_at is not None:
            self._note_death(self._server.last_sign)
        try:
            self._server.start()
            self._started_at = self._clock()
        except Exception as error:  # noqa: BLE001 # whatever it was, the server is not there
            self._note_death(str(error))

    def _note_death(self, reason: str) -> None:
        if self._started_at is not None and self._clock() - self._started_at >= _WELL_AFTER_S:
            self._deaths = 0
        self._deaths += 1
        self._started_at = None
        log.error("server_died", server=self._server.name, deaths=self._deaths, reason=reason)
        if self._deaths >= _MOST_DEATHS:
            raise EmbeddedServerError(f"{self._server.name} has died {self._deaths} times in a row: {reason}")


class Watch:
    """Looks from `start` to `stop`, in a thread of its own, and calls `end_run` when there is nothing else to do."""

    def __init__(self, worker: JobWorker, servers: Sequence[EmbeddedServer], end_run: Callable[[], None]) -> None:
        self._worker = worker
        self._revivals = [Revival(server) for server in servers]
        self._end_run = end_run
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        #: Why the run was ended, in one line.
        self.failure: str | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a server that is being started is waited for, so that it can be stopped."""
        self._leaving.set()
        self._thread.join()

    def _watch(self) -> None:
        while self.failure is None and not self._leaving.wait(_POLL_S):
            self.failure = self._look()
        if self.failure is not None:
            log.critical("run_failed", reason=self.failure)
            self._end_run()

    def _look(self) -> str | None:
        if not self._worker.is_alive:
            return "a thread of the worker has died"
        try:
            for revival in self._revivals:
                revival.look()
        except EmbeddedServerError as error:
            return str(error)
        return None
