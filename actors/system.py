"""The parts that every process of ours is made of, put together and taken apart in one place.

Each command takes what it needs: `system` for all of them, `speaking` (in `providers/registry.py`) where there are
voices, `at_work` for whatever has a start and a stop. What was opened last is closed first.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from actors.queue.broker import JobBroker, make_broker
from actors.queue.leases import Leases
from actors.queue.publisher import Publisher
from storage.settings import DatabaseSettings, LexiconSettings, ObjectStoreSettings, RuleSettings, read
from storage.stores import Stores


@dataclass(frozen=True, slots=True)
class System:
    """What every process works with: the stores, the broker, and the publisher at work between them."""

    stores: Stores
    leases: Leases
    broker: JobBroker
    publisher: Publisher


@contextmanager
def system(
    rabbitmq_urls: Sequence[str] | None,
    database: DatabaseSettings,
    object_store: ObjectStoreSettings,
    *,
    connections: int,
) -> Generator[System]:
    """The parts, for as long as the block runs. Nothing is connected before it is used.

    `rabbitmq_urls`: None for messages in memory.
    `connections`: to the database at most, about one a thread.

    Raises:
        SettingsError: the environment says something that cannot be meant.
    """
    stores = Stores.make(
        database, object_store, read(RuleSettings), lexicon=read(LexiconSettings), pool_size=connections
    )
    with closing(stores):
        leases = Leases(stores.heartbeats)
        broker = make_broker(rabbitmq_urls, leases)
        with closing(broker), at_work(Publisher(broker, stores.jobs)) as publisher:
            yield System(stores, leases, broker, publisher)


class Part(Protocol):
    """Something that works in threads of its own between its start and its stop."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End, and return when it has ended."""
        ...


P = TypeVar("P", bound=Part)


@contextmanager
def at_work(part: P) -> Generator[P]:
    """The part, at work for as long as the block runs."""
    part.start()
    try:
        yield part
    finally:
        part.stop()
