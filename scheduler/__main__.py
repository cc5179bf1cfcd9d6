"""`readthrough scheduler`: the timetable as a process of its own."""

from __future__ import annotations

import argparse
import sys
from typing import Final

import structlog

from actors.settings import WorkSettings
from actors.system import at_work, system
from scheduler.timetable import Timetable
from storage.logs import LogSettings, configure_logs
from storage.process import leave, run_command, stop_on_signals
from storage.settings import DatabaseSettings, ObjectStoreSettings, read

#: To the database: more than there are sweeps.
_CONNECTIONS: Final = 10

log = structlog.get_logger()


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
    urls = read(WorkSettings).required_rabbitmq_urls()
    stopping = stop_on_signals()
    with (
        system(urls, read(DatabaseSettings), read(ObjectStoreSettings), connections=_CONNECTIONS) as parts,
        at_work(Timetable(parts.stores, parts.publisher.publish, parts.broker.empty_queues)) as timetable,
    ):
        log.info("scheduler_started")
        stopping.wait()
    log.info("scheduler_stopped")
    if timetable.gave_up:
        leave(0)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
