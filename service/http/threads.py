"""The threads of handlers that are not async: many, and of each who asks only a few at a time.

Whoever floods us waits for themselves. The threads of one process share one processor's time: sixty requests of one
user at once would make each request of another sixty times as slow.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, Final, ParamSpec, TypeVar

from litestar.types import Scope

#: Requests of one who asks that are in threads at a time.
MOST_OF_ONE: Final = 2

#: Who asks, for as long as a request is answered: before it is known whose key it is, and whether it is one.
ASKING: Final = ContextVar[bytes | None]("asking", default=None)

P = ParamSpec("P")
T = TypeVar("T")
Work = tuple[Future[Any], Callable[[], Any]]


def who_asks(scope: Scope) -> bytes:
    """What requests of one client have in common: the key or the cookie that they bring, or else their address."""
    for name, value in scope["headers"]:
        if name in (b"authorization", b"cookie"):
            return value
    client = scope["client"]
    return client[0].encode() if client else b""


class FairThreads(ThreadPoolExecutor):
    """An executor that keeps what one client asks for from taking all of its threads."""

    def __init__(self, threads: int, most_of_one: int = MOST_OF_ONE) -> None:
        super().__init__(threads, thread_name_prefix="sync")
        self._most_of_one = most_of_one
        #: Of each who asks: how much is in threads, and what waits until some of it is done.
        self._in_hand: dict[bytes, int] = {}
        self._waiting: dict[bytes, deque[Work]] = {}
        self._guard = threading.Lock()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have it called in a thread: at once, or when the others of the same client leave room."""
        who = ASKING.get()
        if who is None:
            return super().submit(fn, *args, **kwargs)
        answer = Future[T]()
        work: Work = (answer, lambda: fn(*args, **kwargs))
        with self._guard:
            if self._in_hand.get(who, 0) >= self._most_of_one:
                self._waiting.setdefault(who, deque()).append(work)
                return answer
            self._in_hand[who] = self._in_hand.get(who, 0) + 1
        super().submit(self._work_through, who, work)
        return answer

    def _work_through(self, who: bytes, work: Work | None) -> None:
        """Do this, and then whatever of the same client waits."""
        while work is not None:
            answer, call = work
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(call())
                except BaseException as error:  # noqa: BLE001 # whoever waits for the answer decides
                    answer.set_exception(error)
            # Or the error would be kept alive by its own traceback.
            del answer, call
            work = self._next_of(who)

    def _next_of(self, who: bytes) -> Work | None:
        with self._guard:
            waiting = self._waiting.get(who)
            if waiting:
                return waiting.popleft()
            self._waiting.pop(who, None)
            self._in_hand[who] -= 1
            if not self._in_hand[who]:
                del self._in_hand[who]
            return None
