"""The threads of handlers: how many one client has at a time, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from service.http.threads import ASKING, FairThreads, who_asks


@pytest.fixture
def threads() -> Iterator[FairThreads]:
    made = FairThreads(4, most_of_one=2)
    yield made
    made.shutdown()


class Asked:
    """Something that is asked for and takes until it may end."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.began: list[str] = []
        self.changed = threading.Condition()

    def __call__(self, name: str) -> str:
        with self.changed:
            self.began.append(name)
            self.changed.notify_all()
        assert self.may_end.wait(30)
        return name

    def wait_until_began(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.began) >= count, 30)


def submitted(threads: FairThreads, who: bytes | None, asked: Asked, name: str) -> Any:
    token = ASKING.set(who)
    try:
        return threads.submit(asked, name)
    finally:
        ASKING.reset(token)


def test_one_client_has_a_few_threads_and_another_has_the_next(threads: FairThreads) -> None:
    asked = Asked()
    greedy = [submitted(threads, b"greedy", asked, f"g{number}") for number in range(6)]
    asked.wait_until_began(2)
    other = submitted(threads, b"other", asked, "o")
    nobody = submitted(threads, None, asked, "n")
    asked.wait_until_began(4)

    assert set(asked.began) == {"g0", "g1", "o", "n"}
    asked.may_end.set()
    assert [one.result(30) for one in greedy] == [f"g{number}" for number in range(6)]
    assert (other.result(30), nobody.result(30)) == ("o", "n")
    threads.shutdown()
    assert not threads._in_hand
    assert not threads._waiting


def test_what_is_cancelled_while_it_waits_is_not_done(threads: FairThreads) -> None:
    asked = Asked()
    answers = [submitted(threads, b"one", asked, str(number)) for number in range(4)]
    asked.wait_until_began(2)

    assert answers[2].cancel()
    asked.may_end.set()
    assert answers[3].result(30) == "3"
    assert "2" not in asked.began


def test_an_error_is_its_callers_and_frees_the_thread(threads: FairThreads) -> None:
    def fail() -> None:
        raise KeyError("no such thing")

    ASKING.set(b"one")
    failed = [threads.submit(fail) for _ in range(5)]

    assert [type(one.exception(30)) for one in failed] == [KeyError] * 5


def test_an_event_loop_takes_it_for_its_own() -> None:
    async def ask() -> str:
        asyncio.get_running_loop().set_default_executor(FairThreads(2))
        ASKING.set(b"one")
        return await asyncio.to_thread(lambda: threading.current_thread().name)

    assert asyncio.run(ask()).startswith("sync")


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ([(b"authorization", b"Bearer a"), (b"host", b"x")], b"Bearer a"),
        ([(b"cookie", b"readthrough-session=b")], b"readthrough-session=b"),
        ([], b"192.0.2.1"),
    ],
)
def test_a_client_is_known_by_what_it_brings(headers: list[tuple[bytes, bytes]], who: bytes) -> None:
    scope: Any = {"headers": headers, "client": ("192.0.2.1", 1)}

    assert who_asks(scope) == who
