"""The studio: what a worker works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from actors.dealer import Dealer
from actors.providers.provider import Provider
from actors.queue.leases import Leases
from actors.settings import WorkSettings
from actors.uploads import Uploads
from storage.stages import Stage
from storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Studio:
    """One for all threads of a worker.

    `publish`: announces that a job is due for a stage; neither waits nor raises.
    """

    settings: WorkSettings
    stores: Stores
    providers: Mapping[str, Provider]
    leases: Leases
    publish: Callable[[UUID, Stage], None]
    dealer: Dealer
    uploads: Uploads


def make_studio(
    settings: WorkSettings,
    stores: Stores,
    providers: Mapping[str, Provider],
    leases: Leases,
    publish: Callable[[UUID, Stage], None],
) -> Studio:
    """The studio of a process. Whoever makes it closes its dealer in the end."""
    dealer = Dealer(settings.calls_at_once, {name: each.calls_at_once for name, each in providers.items()})
    return Studio(settings, stores, providers, leases, publish, dealer, Uploads(stores.audio))
