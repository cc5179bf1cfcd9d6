"""`readthrough scheduler`: says when each sweep runs. What it does is in `sweeps.py`.

Several may run at once. APScheduler has no types: this module alone knows it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from apscheduler.schedulers.background import BackgroundScheduler  # pyright: ignore[reportMissingTypeStubs]

from actors.queue.broker import make_broker
from actors.queue.publisher import Publisher
from actors.settings import WorkSettings
from scheduler import sweeps
from storage.jobs import Stage
from storage.logs import LogSettings, configure_logs
from storage.process import run_command, stop_on_signals
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings, read
from storage.stores import Stores

log = structlog.get_logger()


class Timetable:
    """Every sweep at its interval, each in a thread of its own, from `start` to `stop`."""

    def __init__(self, stores: Stores, publish: Callable[[UUID, Stage], None]) -> None:
        dead_workers = sweeps.DeadWorkers()
        # Intervals in seconds. The first three make what the outside sees: a lost message is sent again within two
        # seconds, a dead worker's job fails within 15 + 2, one that is late within 2 + 2.
        timetable: list[tuple[float, str, Callable[[], int]]] = [
            (1, "dispatch", lambda: sweeps.dispatch(stores, publish)),
            (2, "dead_workers", lambda: dead_workers(stores)),
            (2, "time_out", lambda: sweeps.time_out(stores)),
            (60, "orphan", lambda: sweeps.orphan(stores)),
            (60, "expire_jobs", lambda: sweeps.expire_jobs(stores)),
            (60, "collect_abandoned_audio", lambda: sweeps.collect_abandoned_audio(stores)),
            (60, "expire_segments", lambda: sweeps.expire_segments(stores)),
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
        """Let the sweeps that are running finish, and end."""
        self._scheduler.shutdown(wait=True)


def main(argv: list[str]) -> int:
    """The command.

    Raises:
        SettingsError: the environment says something that cannot be meant.
    """
    argparse.ArgumentParser(
        prog="readthrough scheduler",
        description="Send again what is due; put away what is dead, late or old. Several may run at once.",
    ).parse_args(argv)
    configure_logs(read(LogSettings))
    broker = make_broker(read(WorkSettings).required_rabbitmq_urls())
    stores = Stores.make(read(DatabaseSettings), read(ObjectStoreSettings), read(RuleSettings))
    publisher = Publisher(broker, stores.jobs)
    timetable = Timetable(stores, publisher.publish)
    stopping = stop_on_signals()
    publisher.start()
    timetable.start()
    log.info("scheduler_started")
    stopping.wait()
    timetable.stop()
    publisher.stop()
    broker.close()
    stores.close()
    log.info("scheduler_stopped")
    return 0


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


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
