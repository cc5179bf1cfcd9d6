"""`readthrough run`: everything in one process and its children. API, worker and scheduler; PostgreSQL and S3 unless
their URLs are given; RabbitMQ if `RABBITMQ_URL` is given, else messages in memory.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

import structlog

from actors.__main__ import QUEUES
from actors.providers.registry import make_providers
from actors.providers.settings import ProviderSettings
from actors.queue.broker import make_broker
from actors.queue.leases import Leases
from actors.queue.publisher import Publisher
from actors.queue.worker import JobWorker
from actors.settings import WorkSettings
from embedded.directory import DirectoryLock
from embedded.errors import EmbeddedServerError
from embedded.object_store import ObjectStore
from embedded.postgres import Postgres
from embedded.settings import EmbeddedSettings
from scheduler.__main__ import Timetable
from scheduler.sweeps import dispatch
from service.app import create_app
from service.resources import make_resources
from service.server import ApiServer, listening
from service.settings import ServiceSettings, refuse_open_door
from storage.logs import LogSettings, configure_logs
from storage.migrate import migrate
from storage.process import leave, run_command
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings, read
from storage.stores import Stores

#: Connections to the database for the API and the scheduler, beside those of the worker's threads.
_API_CONNECTIONS: Final = 20
#: How often the run looks whether its worker lives.
_LOOK_S: Final = 1.0
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger()


def main(argv: list[str]) -> int:
    """The command. 0 after a stop that was asked for, 1 when something cannot start or a thread has died.

    Raises:
        SettingsError: the environment says something that cannot be meant.
    """
    argparse.ArgumentParser(prog="readthrough run", description="Run everything on this machine.").parse_args(argv)
    configure_logs(read(LogSettings))
    for number in _STOP_SIGNALS:
        signal.signal(number, _interrupt)  # until the API takes them
    try:
        with everything(read(ServiceSettings)) as system:
            log.info("readthrough_is_ready", url=system.api.url)
            system.api.serve()
            code = 0 if system.worker.is_alive else 1
    except EmbeddedServerError as error:
        sys.stderr.write(f"readthrough run: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    if system.worker.gave_up:
        leave(code)
    return code


@dataclass(frozen=True, slots=True)
class System:
    """Everything at work; the API answers once it is served."""

    api: ApiServer
    worker: JobWorker


@contextmanager
def everything(settings: ServiceSettings) -> Generator[System]:
    """All parts, at work for as long as the block runs.

    Raises:
        EmbeddedServerError: a server cannot start, or its directory or port is in use.
        SettingsError: the environment says something that cannot be meant.
    """
    refuse_open_door(settings)
    embedded, work, rules = read(EmbeddedSettings), read(WorkSettings), read(RuleSettings)
    with ExitStack() as stack:
        where = stack.enter_context(listening(settings.host, settings.port))
        if embedded.database_url is None or embedded.s3_endpoint_url is None:
            stack.enter_context(DirectoryLock(embedded.data_dir.absolute()))
        database, object_store = _start_servers(embedded, stack)
        migrate(database.database_url)
        threads = work.worker_threads * (1 + work.turns_at_once)
        stores = Stores.make(database, object_store, rules, pool_size=threads + _API_CONNECTIONS)
        stack.callback(stores.close)
        stores.audio.ensure_bucket()
        if work.rabbitmq_url is None:
            # No other worker can be at work: what was being worked on died with this process's predecessor (FR-018).
            interrupted = stores.sweeps.interrupt_all()
            log.info("interrupted_jobs_failed", count=interrupted)

        leases = Leases(stores.heartbeats)
        broker = make_broker(work.rabbitmq_url, leases)
        stack.callback(broker.close)
        providers = make_providers(read(ProviderSettings))
        for provider in providers.values():
            stack.callback(provider.close)
        publisher = Publisher(broker, stores.jobs)
        worker = JobWorker(broker, leases, stores, providers, publisher, work, QUEUES)
        timetable = Timetable(stores, publisher.publish)

        app = create_app(settings, make_resources(stores, providers, broker, publisher))
        publisher.start()
        stack.callback(publisher.stop)
        worker.start()
        stack.callback(worker.stop)
        if work.rabbitmq_url is None:
            # The messages were in the memory of the predecessor: whatever waits is sent again, however lately it was.
            dispatch(stores, publisher.publish, overdue_s=0, republish_s=0)
        timetable.start()
        stack.callback(timetable.stop)
        api = ApiServer(app, where)
        stack.enter_context(_watch(worker, api))
        yield System(api, worker)


def _start_servers(embedded: EmbeddedSettings, stack: ExitStack) -> tuple[DatabaseSettings, ObjectStoreSettings]:
    """Start, side by side, what is not given."""
    directory = embedded.data_dir.absolute()
    with ThreadPoolExecutor(2) as pool:
        postgres = (
            None if embedded.database_url else Postgres(directory / "postgres", settings={"max_connections": "200"})
        )
        objects = None if embedded.s3_endpoint_url else ObjectStore(directory / "object-store")
        starting = [pool.submit(stack.enter_context, server) for server in (postgres, objects) if server is not None]
        # In here, so that whoever is told to stop while he waits still sees the start to its end, and then ends it.
        wait(starting)
    for started in starting:
        started.result()
    database = read(DatabaseSettings) if postgres is None else DatabaseSettings(database_url=postgres.url)
    if objects is None:
        return database, read(ObjectStoreSettings)
    return database, ObjectStoreSettings(
        s3_endpoint_url=objects.endpoint_url,
        aws_access_key_id=objects.access_key_id,
        aws_secret_access_key=objects.secret_access_key,
    )


@contextmanager
def _watch(worker: JobWorker, api: ApiServer) -> Generator[None]:
    """Stop the API when a thread of the worker has died: a system that takes jobs and does none is worse than none."""
    leaving = threading.Event()

    def watch() -> None:
        while not leaving.wait(_LOOK_S):
            if not worker.is_alive:
                log.critical("worker_thread_died")
                api.stop()
                return

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join()


def _interrupt(number: int, frame: FrameType | None) -> None:
    for each in _STOP_SIGNALS:
        signal.signal(each, _overhear)  # the way out is not interrupted
    raise KeyboardInterrupt


def _overhear(number: int, frame: FrameType | None) -> None:
    """Once is enough."""


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
