"""What the handlers work with. Whoever makes the app makes these first and closes them after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from actors.providers.provider import Provider
from actors.system import System
from storage.stages import FIRST_STAGE
from storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Resources:
    """The stores, the providers and the way to the broker of one process. All may be shared by threads.

    `publish`: hands a job's id to the publisher; neither waits nor raises.
    `check_broker`: raises when the broker is away.
    """

    stores: Stores
    providers: Mapping[str, Provider]
    publish: Callable[[UUID], None]
    check_broker: Callable[[], None]


#: How a handler asks for them: a parameter of this type, named `resources`.
ResourcesDep = NamedDependency[SkipValidation[Resources]]
#: How a handler asks who calls: a parameter of this type, named `user_id`.
Caller = NamedDependency[SkipValidation[UUID]]


def make_resources(parts: System, providers: Mapping[str, Provider]) -> Resources:
    """What the app needs of its process."""

    def publish(job_id: UUID) -> None:
        parts.publisher.publish(job_id, FIRST_STAGE)

    return Resources(parts.stores, providers, publish, parts.broker.check)
