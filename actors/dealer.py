"""The dealer: the calls to vendors of a whole process, dealt out fairly.

A process has so many calls in hand at once, and each provider so many of them. A call that becomes free goes to the
next user, and there to the next of their jobs: a user with one short line waits for calls in hand, and never for all
that somebody else has asked for. A job that waits holds no call.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """Something that is to be called: for whom, at which provider, and who is told what came of it."""

    provider: str
    user_id: UUID
    job_id: UUID
    function: Callable[[], T]
    answer: Future[T]


class Dealer:
    """Makes the calls of a process in threads of its own. May be used by many threads.

    `calls_at_once`: of all together. `calls_of`: of a provider; of one that is not named, as many as of all.
    """

    def __init__(self, calls_at_once: int, calls_of: Mapping[str, int] | None = None) -> None:
        self._free = calls_at_once
        self._free_of = defaultdict[str, int](lambda: calls_at_once, calls_of or {})
        self._waiting = _Turns()
        self._closed = False
        self._guard = threading.Lock()
        self._threads = ThreadPoolExecutor(calls_at_once, thread_name_prefix="call")

    def submit(self, provider: str, user_id: UUID, job_id: UUID, function: Callable[[], T]) -> Future[T]:
        """Have it called when it is its turn. `cancel` on what comes back takes it off the list, if it still waits."""
        call = Call(provider, user_id, job_id, function, Future[T]())
        with self._guard:
            self._waiting.add(call)
            self._deal()
        return call.answer

    def close(self) -> None:
        """Begin nothing new. What is being called goes on until its own timeout."""
        with self._guard:
            self._closed = True
        self._threads.shutdown(wait=False)

    def _deal(self) -> None:
        """Begin as many calls as may be in hand."""
        while not self._closed and self._free and (call := self._waiting.take(self._has_room)) is not None:
            if call.answer.set_running_or_notify_cancel():
                self._free -= 1
                self._free_of[call.provider] -= 1
                self._threads.submit(self._make, call)

    def _has_room(self, provider: str) -> bool:
        return self._free_of[provider] > 0

    def _make(self, call: Call[Any]) -> None:
        try:
            answer = call.function()
        except BaseException as error:  # noqa: BLE001 # whoever waits for the answer decides
            self._give_back(call)
            call.answer.set_exception(error)
        else:
            self._give_back(call)
            call.answer.set_result(answer)

    def _give_back(self, call: Call[Any]) -> None:
        # Before the answer is told: whoever hears it finds the next call begun.
        with self._guard:
            self._free += 1
            self._free_of[call.provider] += 1
            self._deal()


class _Turns:
    """Calls that wait, by provider, user and job. Each is behind those of the same job that came before it."""

    def __init__(self) -> None:
        # The order of a dict is the order of turns: who has had theirs is put behind the others.
        self._providers: dict[str, dict[UUID, dict[UUID, deque[Call[Any]]]]] = {}

    def add(self, call: Call[Any]) -> None:
        users = self._providers.setdefault(call.provider, {})
        users.setdefault(call.user_id, {}).setdefault(call.job_id, deque()).append(call)

    def take(self, may_take: Callable[[str], bool]) -> Call[Any] | None:
        """The next call at a provider that `may_take` says has room; None when there is none."""
        provider = next(filter(may_take, self._providers), None)
        if provider is None:
            return None
        users = self._providers.pop(provider)
        user_id, jobs = _first(users)
        job_id, calls = _first(jobs)
        call = calls.popleft()
        if calls:
            jobs[job_id] = calls
        if jobs:
            users[user_id] = jobs
        if users:
            self._providers[provider] = users
        return call


K = TypeVar("K")
V = TypeVar("V")


def _first(turns: dict[K, V]) -> tuple[K, V]:
    """Take out whoever is first. They are put back, behind all others, if they wait for more."""
    key = next(iter(turns))
    return key, turns.pop(key)
