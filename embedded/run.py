"""`readthrough run`: everything in one process and its children. API, worker and scheduler; PostgreSQL and S3 unless
their URLs are given; RabbitMQ if `RABBITMQ_URL` is given, else messages in memory.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog

from actors.providers.registry import speaking
from actors.providers.settings import ProviderSettings
from actors.queue.publisher import WAITING_AT_MOST
from actors.queue.worker import JobWorker
from actors.settings import WorkSettings
from actors.system import at_work, system
from embedded.errors import RunError
from embedded.servers import Servers, say_nothing, servers
from embedded.settings import EmbeddedSettings
from embedded.watch import Watch
from scheduler.sweeps import dispatch
from scheduler.timetable import Timetable
from service.app import create_app
from service.resources import make_resources
from service.server import ApiServer, listening
from service.settings import ServiceSettings, refuse_open_door
from storage.audio_store import AudioStoreError
from storage.errors import DatabaseUnavailable
from storage.logs import LogSettings, configure_logs
from storage.migrate import migrate
from storage.only_run import AnotherRun, only_run
from storage.process import interrupt_on_signals, leave, run_command
from storage.settings import read
from storage.stages import QUEUES

#: Connections to the database for the API and the scheduler, beside those of the worker's threads.
_API_CONNECTIONS: Final = 20

log = structlog.get_logger()


def main(argv: list[str]) -> int:
    """The command. 0 after a stop that was asked for, 1 when something cannot start or cannot be kept alive.

    Raises:
        SettingsError: the environment says something that cannot be meant.
    """
    argparse.ArgumentParser(prog="readthrough run", description="Run everything on this machine.").parse_args(argv)
    say = _say if _configure_logs() else say_nothing
    interrupt_on_signals()  # until the API takes them
    try:
        with everything(read(ServiceSettings), say) as run:
            log.info("readthrough_is_ready", url=run.api.url)
            say(f"Readthrough is at {run.api.url}")
            say("Press Ctrl-C to stop it.")
            run.api.serve()
            say("Stopping …")
    except RunError as error:
        sys.stderr.write(f"readthrough run: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    code = 0 if run.watch.failure is None else 1
    if run.watch.failure is not None:
        sys.stderr.write(f"readthrough run: {run.watch.failure}\n")
    if run.worker.gave_up or run.timetable.gave_up:
        leave(code)
    return code


def _configure_logs() -> bool:
    """Whether a person sits before us, who wants plain lines and of the log, unless LOG_LEVEL asks for more, what is
    wrong."""
    settings = read(LogSettings)
    on_terminal = sys.stderr.isatty() and settings.log_format != "json"
    if on_terminal and "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "warning"})
    configure_logs(settings)
    return on_terminal


def _say(line: str) -> None:
    with suppress(OSError):  # the terminal is gone
        sys.stderr.write(f"{line}\n")


@dataclass(frozen=True, slots=True)
class Everything:
    """All parts at work; the API answers once it is served."""

    api: ApiServer
    worker: JobWorker
    timetable: Timetable
    watch: Watch


@contextmanager
def everything(settings: ServiceSettings, say: Callable[[str], None] = say_nothing) -> Generator[Everything]:
    """All parts, at work for as long as the block runs.

    `say`: is told, in a line, what a slow start waits for.

    Raises:
        RunError: a server cannot start or be reached, or another run has its directory or database.
        SettingsError: the environment says something that cannot be meant.
    """
    refuse_open_door(settings)
    work = read(WorkSettings)
    connections = work.connections + _API_CONNECTIONS
    with (
        listening(settings.host, settings.port) as where,
        servers(read(EmbeddedSettings), say) as given,
        _database_of(given, work),
        system(work.rabbitmq_url, given.database, given.object_store, connections=connections) as parts,
        speaking(read(ProviderSettings)) as providers,
    ):
        stores, publish = parts.stores, parts.publisher.publish
        with _plainly():
            stores.audio.ensure_bucket()
            if work.rabbitmq_url is None:
                if given.postgres is not None:
                    # A database of our own: who was at work on it was this process's predecessor (FR-018). On one that
                    # is given others may be at work, whom the scheduler tells from the dead.
                    log.info("interrupted_jobs_failed", count=stores.sweeps.interrupt_all())
                # The messages were in the predecessor's memory: what waits is sent again, however lately it was.
                dispatch(stores, publish, overdue_s=0, republish_s=0, limit=WAITING_AT_MOST)
        api = ApiServer(create_app(settings, make_resources(parts, providers)), where)
        with (
            at_work(JobWorker(parts, providers, work, QUEUES)) as worker,
            at_work(Timetable(stores, publish, parts.broker.empty_queues)) as timetable,
            at_work(Watch(worker, given.embedded, api.stop)) as watch,
            given.announced(api.url),
        ):
            yield Everything(api, worker, timetable, watch)


@contextmanager
def _database_of(given: Servers, work: WorkSettings) -> Generator[None]:
    """The database with its tables up to date; if messages are in memory, for this run alone."""
    url = given.database.database_url
    with ExitStack() as stack:
        with _plainly():
            if work.rabbitmq_url is None:
                stack.enter_context(only_run(url))
            migrate(url)
        yield


@contextmanager
def _plainly() -> Generator[None]:
    """Say in one line why a run cannot begin."""
    try:
        yield
    except AnotherRun as error:
        raise RunError(
            "another one is at work on this database: stop it, or set RABBITMQ_URL for both, and they share the work"
        ) from error
    except DatabaseUnavailable as error:
        raise RunError(f"the database cannot be reached: {' '.join(str(error).split())}") from error
    except AudioStoreError as error:
        raise RunError(f"the object store cannot be used: {error}") from error


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
