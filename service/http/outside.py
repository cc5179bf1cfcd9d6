"""Calls that leave the house, to vendors and to the object store: in threads of their own, and never many at a time.

What is slow out there holds up those who asked for it, and nobody else: submit, status, list and auth have the threads
of `SYNC_THREADS` to themselves.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from actors.providers.problem import Text
from service.http.errors import UNAVAILABLE_RETRY_AFTER_S, ApiError
from service.http.messages import ErrorCode

#: Calls of one vendor at a time, and how many may wait for their turn.
_VENDOR_CALLS: Final = (8, 32)
#: The same of the object store, which is nearer.
_STORE_CALLS: Final = (32, 128)

T = TypeVar("T")


class OutsideCalls:
    """The way to one place out there. For the event loop."""

    def __init__(self, what: str, *, at_once: int, waiting: int) -> None:
        """`what`: how an answer names it when it is away. `at_once`: threads. `waiting`: how many wait for one."""
        self._what = what
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=what)
        self._room = at_once + waiting
        self._in_hand = 0
        self._counting = threading.Lock()

    async def run(self, call: Callable[[], T], timeout_s: float, text: Text | None = None) -> T:
        """What `call` returns, or raises. Its thread ends by itself: all that it waits for has a timeout.

        `text`: what is said when it cannot be had.

        Raises:
            ApiError: it did not come within `timeout_s` seconds, or too many wait already.
        """
        if self._in_hand >= self._room:
            raise self._away(text)
        work = self._begin(call)
        limit = asyncio.timeout(timeout_s)
        try:
            async with limit:
                return await asyncio.wrap_future(work)
        except TimeoutError:
            if limit.expired():
                raise self._away(text) from None
            raise  # the call's own

    def close(self) -> None:
        """Start no more; what is under way ends by its own timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self, call: Callable[[], T]) -> Future[T]:
        with self._counting:
            self._in_hand += 1
        work = self._threads.submit(copy_context().run, call)
        work.add_done_callback(self._ended)
        return work

    def _ended(self, _work: Future[Any]) -> None:
        with self._counting:
            self._in_hand -= 1

    def _away(self, text: Text | None) -> ApiError:
        headers = {"Retry-After": str(UNAVAILABLE_RETRY_AFTER_S)}
        return ApiError(ErrorCode.SERVICE_UNAVAILABLE, {"unavailable": [self._what]}, headers=headers, text=text)


class Outside:
    """Every place out there, each with threads of its own: a vendor that hangs does not hold up the others."""

    def __init__(self) -> None:
        self.object_store = _calls("object_store", _STORE_CALLS)
        self._vendors: dict[str, OutsideCalls] = {}

    def vendor(self, name: str) -> OutsideCalls:
        """The way to the vendor of a provider that there is."""
        if name not in self._vendors:
            self._vendors[name] = _calls(name, _VENDOR_CALLS)
        return self._vendors[name]

    def close(self) -> None:
        """Start no more calls."""
        for calls in (self.object_store, *self._vendors.values()):
            calls.close()


#: How a handler asks for them: a parameter of this type, named `outside`.
OutsideDep = NamedDependency[SkipValidation[Outside]]


def _calls(what: str, bounds: tuple[int, int]) -> OutsideCalls:
    at_once, waiting = bounds
    return OutsideCalls(what, at_once=at_once, waiting=waiting)
