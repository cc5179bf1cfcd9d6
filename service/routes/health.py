"""Whether this process lives, and whether the parts that it needs can be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import structlog
from litestar import get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from service.http.errors import UNAVAILABLE_RETRY_AFTER_S, ApiError
from service.http.messages import ErrorCode
from service.http.operation import Operation, model
from service.requests.schemas import Health
from service.resources import Resources

log = structlog.get_logger()

#: A part that has not answered after so long counts as down.
CHECK_TIMEOUT_S: Final = 2.5


class Checks:
    """Looks at every part side by side, in a thread each, however many ask and however long one hangs.

    For the event loop: the threads of handlers may all be waiting for a part that is away.
    """

    def __init__(self, checks: Mapping[str, Callable[[], None]]) -> None:
        self._checks = checks
        self._threads = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="health")
        self._running: dict[str, Future[None]] = {}

    async def down(self) -> list[str]:
        """The parts that cannot be reached."""
        for part, check in self._checks.items():
            if part not in self._running or self._running[part].done():
                self._running[part] = self._threads.submit(check)
        running = dict(self._running)
        await asyncio.wait([asyncio.wrap_future(one) for one in running.values()], timeout=CHECK_TIMEOUT_S)
        return [part for part, looked in running.items() if _failed(part, looked)]

    def close(self) -> None:
        """Start no more; what hangs ends by its own timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def checks_of(resources: Resources) -> Checks:
    """What this process needs: the database, the broker and the bucket."""
    stores = resources.stores
    return Checks(
        {"database": stores.health.check, "broker": resources.check_broker, "object_store": stores.audio.check}
    )


#: How a handler asks for them: a parameter of this type, named `checks`.
ChecksDep = NamedDependency[SkipValidation[Checks]]


# Waits for nothing, and must answer while every thread of the pool waits for a database that is away.
@get("/health/live", sync_to_thread=False, operation=Operation({200: model("It does", Health)}))
def live() -> Health:
    """Whether the process answers at all."""
    return Health(status="ok")


@get("/health/ready", operation=Operation({200: model("They can", Health)}))
async def ready(checks: ChecksDep) -> Health:
    """Whether database, broker and bucket can be reached; `details.unavailable` of a 503 names what cannot."""
    down = await checks.down()
    if down:
        headers = {"Retry-After": str(UNAVAILABLE_RETRY_AFTER_S)}
        raise ApiError(ErrorCode.SERVICE_UNAVAILABLE, {"unavailable": down}, headers=headers)
    return Health(status="ok")


def _failed(part: str, looked: Future[None]) -> bool:
    if not looked.done():
        log.warning("part_is_down", part=part, reason=f"no answer within {CHECK_TIMEOUT_S} s")
        return True
    error = looked.exception()
    if error is not None:
        log.warning("part_is_down", part=part, reason=str(error))
    return error is not None
