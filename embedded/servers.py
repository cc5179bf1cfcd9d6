"""The servers of a run: PostgreSQL and S3 in `DATA_DIR`, each unless its URL is given."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from embedded.directory import DirectoryLock
from embedded.object_store import ObjectStore
from embedded.postgres import Postgres
from embedded.server import EmbeddedServer
from embedded.settings import EmbeddedSettings
from storage.settings import DatabaseSettings, ObjectStoreSettings, read


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the database and the object store are, and which servers of ours they are."""

    database: DatabaseSettings
    object_store: ObjectStoreSettings
    embedded: Sequence[EmbeddedServer]


@contextmanager
def servers(settings: EmbeddedSettings) -> Generator[Servers]:
    """Both, for as long as the block runs. What is not given is started, side by side.

    Raises:
        EmbeddedServerError: a server cannot start, or its directory or port is in use.
        SettingsError: the environment says something that cannot be meant.
    """
    directory = settings.data_dir.absolute()
    postgres = None if settings.database_url else Postgres(directory / "postgres", settings={"max_connections": "200"})
    objects = None if settings.s3_endpoint_url else ObjectStore(directory / "object-store")
    embedded = [server for server in (postgres, objects) if server is not None]
    with ExitStack() as stack:
        if embedded:
            stack.enter_context(DirectoryLock(directory))
            _start(embedded, stack)
        yield Servers(
            read(DatabaseSettings) if postgres is None else DatabaseSettings(database_url=postgres.url),
            read(ObjectStoreSettings) if objects is None else _settings_of(objects),
            embedded,
        )


def _start(embedded: Sequence[EmbeddedServer], stack: ExitStack) -> None:
    with ThreadPoolExecutor(len(embedded)) as pool:
        starting = [pool.submit(stack.enter_context, server) for server in embedded]
        # In here, so that whoever is told to stop while he waits still sees the start to its end, and then ends it.
        wait(starting)
    for started in starting:
        started.result()


def _settings_of(objects: ObjectStore) -> ObjectStoreSettings:
    return ObjectStoreSettings(
        s3_endpoint_url=objects.endpoint_url,
        aws_access_key_id=objects.access_key_id,
        aws_secret_access_key=objects.secret_access_key,
    )
