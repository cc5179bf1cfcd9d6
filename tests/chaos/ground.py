"""The ground that a system stands on: the three servers, and its own database, bucket and virtual host in them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.object_store import ObjectStore
from embedded.postgres import SETTINGS_OF_A_TEST, Postgres
from storage.migrate import migrate
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings
from storage.stores import Stores
from tests.chaos import audit, database
from tests.servers.obtain import obtain_rabbitmq
from tests.servers.rabbitmq import RabbitMQ

BUCKET: Final = "chaos"
#: Of PostgreSQL: more than the full cast opens, and not too many for a fault to hold them all.
_CONNECTIONS: Final = "150"


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a system lives."""

    postgres: Postgres
    object_store: ObjectStore
    rabbitmq: RabbitMQ
    database_url: str
    bucket: str
    rabbitmq_url: str

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that lead a process of ours here."""
        return {
            "DATABASE_URL": self.database_url,
            "RABBITMQ_URL": self.rabbitmq_url,
            "S3_ENDPOINT_URL": self.object_store.endpoint_url,
            "S3_BUCKET": self.bucket,
            "AWS_ACCESS_KEY_ID": self.object_store.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.object_store.secret_access_key,
        }

    @contextmanager
    def stores(self, rules: RuleSettings | None = None) -> Generator[Stores]:
        """The stores over it, for looking at what a system has left."""
        database = DatabaseSettings(database_url=self.database_url)
        object_store = ObjectStoreSettings(
            s3_endpoint_url=self.object_store.endpoint_url,
            s3_bucket=self.bucket,
            aws_access_key_id=self.object_store.access_key_id,
            aws_secret_access_key=self.object_store.secret_access_key,
        )
        stores = Stores.make(database, object_store, rules or RuleSettings())
        try:
            yield stores
        finally:
            stores.close()

    def start(self) -> None:
        """Bring back the servers that a fault has ended."""
        for server in (self.postgres, self.object_store, self.rabbitmq):
            server.start()

    def prepare(self) -> None:
        """The bucket; the audit, and what the database can be told, in one that is migrated."""
        with self.stores() as stores:
            stores.audio.ensure_bucket()
            audit.install(stores.engine)
            database.install(stores.engine)


@contextmanager
def private_ground(directory: Path) -> Generator[Ground]:
    """Servers of our own, with their files in this directory, for as long as the block runs."""
    postgres = Postgres(directory / "postgres", settings={**SETTINGS_OF_A_TEST, "max_connections": _CONNECTIONS})
    object_store = ObjectStore(directory / "object-store")
    rabbitmq = obtain_rabbitmq(directory / "rabbitmq")
    with ExitStack() as stack:
        for server in (postgres, object_store, rabbitmq):
            stack.callback(server.stop)
        with ThreadPoolExecutor(3) as pool:
            starting = [pool.submit(server.start) for server in (postgres, object_store, rabbitmq)]
        for started in starting:
            started.result()
        migrate(postgres.url)
        ground = Ground(postgres, object_store, rabbitmq, postgres.url, BUCKET, rabbitmq.url)
        ground.prepare()
        yield ground
