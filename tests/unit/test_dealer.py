"""The dealer: how many calls are in hand, and whose turn it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from actors.dealer import Dealer

ANN, BEN, CAT = (UUID(int=number) for number in range(1, 4))
FIRST, SECOND, THIRD = (UUID(int=number) for number in range(11, 14))


@dataclass
class Desk:
    """Calls that last until each is let go, and the order in which they began."""

    dealer: Dealer
    began: list[str] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _may_end: set[str] = field(default_factory=set)

    def ask(self, name: str, user_id: UUID = ANN, job_id: UUID = FIRST, provider: str = "vendor") -> Future[str]:
        def call() -> str:
            with self._changed:
                self.began.append(name)
                self._changed.notify_all()
                assert self._changed.wait_for(lambda: name in self._may_end, 30)
            return name

        return self.dealer.submit(provider, user_id, job_id, call)

    def end(self, name: str) -> None:
        with self._changed:
            self._may_end.add(name)
            self._changed.notify_all()

    def wait_until_began(self, count: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.began) >= count, 30)
            return list(self.began)


@pytest.fixture
def desk_of() -> Iterator[Callable[..., Desk]]:
    made: list[Dealer] = []

    def make(*arguments: object) -> Desk:
        made.append(Dealer(*arguments))  # pyright: ignore[reportArgumentType]
        return Desk(made[-1])

    yield make
    for dealer in made:
        dealer.close()


def run_through(desk: Desk, total: int) -> list[str]:
    """The order in which calls begin, when only one is in hand at a time."""
    for number in range(total):
        desk.end(desk.wait_until_began(number + 1)[number])
    return desk.began


def test_no_more_calls_are_in_hand_than_may_be(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(2)
    answers = [desk.ask(name) for name in "abc"]
    assert desk.wait_until_began(2) == ["a", "b"]
    assert not answers[2].running()

    desk.end("b")
    assert answers[1].result(30) == "b"
    assert answers[2].running(), "the next has begun before anybody hears of the end"
    for name in "ac":
        desk.end(name)


def test_users_have_their_turns_one_after_the_other(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(1)
    for name in ("a1", "a2", "a3", "a4"):
        desk.ask(name, ANN)
    desk.ask("b1", BEN)
    desk.ask("c1", CAT)
    desk.ask("b2", BEN)

    assert run_through(desk, 7) == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


def test_so_have_the_jobs_of_a_user(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(1)
    for name in ("f1", "f2", "f3"):
        desk.ask(name, ANN, FIRST)
    desk.ask("s1", ANN, SECOND)
    desk.ask("t1", ANN, THIRD)

    assert run_through(desk, 5) == ["f1", "f2", "s1", "t1", "f3"]


def test_a_provider_that_is_busy_holds_up_no_other(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(3, {"slow": 1})
    slow = [desk.ask(name, provider="slow") for name in ("s1", "s2", "s3")]
    desk.ask("other", BEN, provider="quick")

    assert desk.wait_until_began(2) == ["s1", "other"]
    assert not slow[1].running()
    for name in ("s1", "s2", "s3", "other"):
        desk.end(name)
    assert [answer.result(30) for answer in slow] == ["s1", "s2", "s3"]


def test_what_is_cancelled_while_it_waits_is_never_called(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(1)
    first, second, third = (desk.ask(name) for name in "abc")
    desk.wait_until_began(1)

    assert second.cancel()
    assert not first.cancel(), "it has begun"
    for name in "abc":
        desk.end(name)
    assert third.result(30) == "c"
    assert desk.began == ["a", "c"]


def test_a_call_that_raises_tells_its_caller_and_nobody_else(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(1)

    def fail() -> str:
        raise KeyError("no such thing")

    failed = desk.dealer.submit("vendor", ANN, FIRST, fail)
    with pytest.raises(KeyError):
        failed.result(30)
    desk.end("next")
    assert desk.ask("next").result(30) == "next"


def test_a_closed_dealer_begins_nothing_new(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(1)
    running, waiting = desk.ask("a"), desk.ask("b")
    desk.wait_until_began(1)

    desk.dealer.close()
    desk.end("a")

    assert running.result(30) == "a"
    assert not waiting.running()
    assert waiting.cancel()
