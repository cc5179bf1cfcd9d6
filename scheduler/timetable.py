"""When each sweep runs; what it does is in `sweeps.py` and `retention.py`. APScheduler has no types: it stays here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from apscheduler.schedulers.background import BackgroundScheduler  # pyright: ignore[reportMissingTypeStubs]

from scheduler import retention, sweeps
from storage.stages import Stage
from storage.stores import Stores

#: A sweep in hand may take so long when the timetable is stopped, in seconds.
_STOP_S: Final = 10.0

log = structlog.get_logger()


class Timetable:
    """Every sweep at its interval, each in a thread of its own, from `start` to `stop`."""

    def __init__(
        self, stores: Stores, publish: Callable[[UUID, Stage], None], empty_queues: Callable[[], Collection[str]]
    ) -> None:
        #: Whether `stop` has given up a sweep: its thread would keep the process.
        self.gave_up = False
        dead_workers = sweeps.DeadWorkers()
        # Intervals in seconds. The first three make what the outside sees: a lost message is sent again within two
        # seconds, a dead worker's job fails within 15 + 2, one that is late within 2 + 2.
        timetable: list[tuple[float, str, Callable[[], int]]] = [
            (1, "dispatch", lambda: sweeps.dispatch(stores, publish, empty_queues)),
            (2, "dead_workers", lambda: dead_workers(stores)),
            (2, "time_out", lambda: sweeps.time_out(stores)),
            (10, "set_times_right", lambda: sweeps.set_times_right(stores)),
            (60, "orphan", lambda: sweeps.orphan(stores)),
            (10, "expire_jobs", lambda: retention.expire_jobs(stores)),
            (60, "collect_abandoned_audio", lambda: retention.collect_abandoned_audio(stores)),
            (10, "expire_segments", lambda: retention.expire_segments(stores)),
        ]
        self._scheduler: Any = BackgroundScheduler(timezone=UTC)
        for seconds, name, sweep in timetable:
            self._scheduler.add_job(
                _logged(name, sweep),
                "interval",
                seconds=seconds,
                id=name,
                next_run_time=datetime.now(UTC),
                # A sweep that is late still runs, once, and never beside itself.
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )

    def start(self) -> None:
        """Begin; every sweep runs at once for the first time."""
        self._scheduler.start()

    def stop(self) -> None:
        """Let the sweeps that are running finish, and end. One that hangs is given up: each may break off anywhere."""
        ending = threading.Thread(target=self._scheduler.shutdown, name="timetable-stop", daemon=True)
        ending.start()
        ending.join(_STOP_S)
        self.gave_up = ending.is_alive()


def _logged(name: str, sweep: Callable[[], int]) -> Callable[[], None]:
    def run() -> None:
        try:
            count = sweep()
        except Exception as error:  # noqa: BLE001 # the database is away, or a defect: the next sweep tries again
            log.warning("sweep_failed", sweep=name, error=repr(error))
            return
        if count:
            log.info("swept", sweep=name, count=count)

    return run
