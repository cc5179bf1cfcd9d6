"""The studio: what a worker works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from actors.providers.provider import Provider
from actors.queue.leases import Leases
from actors.settings import WorkSettings
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
