"""The ground of a test: the servers of the run, and in them a database, a bucket and a virtual host of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from embedded.object_store import ObjectStore
from embedded.postgres import Postgres
from tests.chaos.ground import Ground
from tests.servers.rabbitmq import RabbitMQ


@pytest.fixture
def ground(
    postgres_server: Postgres,
    database_url: str,
    object_store: ObjectStore,
    bucket: str,
    rabbitmq: RabbitMQ,
    take_virtual_host: Callable[[], str],
) -> Iterator[Ground]:
    """Where a cluster of the test's own can stand. Whatever is killed meanwhile is started again."""
    rabbitmq.start()
    made = Ground(postgres_server, object_store, rabbitmq, database_url, bucket, take_virtual_host())
    made.prepare()
    yield made
    made.start()
