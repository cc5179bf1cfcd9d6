"""`readthrough worker`: a process that speaks and joins, until it is told to stop."""

from __future__ import annotations

import argparse
import sys

import structlog

from actors.providers.registry import speaking
from actors.providers.settings import ProviderSettings
from actors.queue.worker import JobWorker
from actors.settings import WorkSettings
from actors.system import at_work, system
from storage.logs import LogSettings, configure_logs
from storage.process import leave, run_command, settle, stop_on_signals
from storage.settings import DatabaseSettings, ObjectStoreSettings, read
from storage.stages import QUEUES, WORK

log = structlog.get_logger()


def main(argv: list[str]) -> int:
    """The command. 0 after a stop that was asked for, 1 when a thread has died.

    Raises:
        SettingsError: the environment says something that cannot be meant.
    """
    parser = argparse.ArgumentParser(prog="readthrough worker", description="Speak the turns of jobs and join them.")
    kinds = " and ".join(f"{work.queue} ({work.uses})" for work in WORK.values())
    parser.add_argument(
        "--queues",
        type=_queues,
        default=QUEUES,
        metavar="NAMES",
        help=f"what to work on, of {kinds}; default: all",
    )
    queues: tuple[str, ...] = parser.parse_args(argv).queues
    configure_logs(read(LogSettings))
    settings = read(WorkSettings)
    urls = settings.required_rabbitmq_urls()
    stopping = stop_on_signals()
    with (
        system(urls, read(DatabaseSettings), read(ObjectStoreSettings), connections=settings.connections) as parts,
        speaking(read(ProviderSettings)) as providers,
        at_work(JobWorker(parts, providers, settings, queues)) as worker,
    ):
        settle()
        log.info("worker_started", queues=list(queues), threads=settings.worker_threads)
        while not stopping.wait(1) and worker.is_alive:
            pass
        died = not worker.is_alive
        if died:
            log.critical("worker_thread_died")
    log.info("worker_stopped", finished=not worker.gave_up)
    if worker.gave_up:
        leave(int(died))
    return int(died)


def _queues(value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    unknown = set(names) - set(QUEUES)
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"choose from {', '.join(QUEUES)}, separated by commas")
    return names


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
