"""A bucket of tokens for each who asks."""

from __future__ import annotations

import pytest

from service.http import rate_limit
from service.http.errors import ApiError
from service.http.rate_limit import RateLimit


class Clock:
    """Says what it is told, in seconds."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("per_minute", [1, 7, 600, 1_000_000])
def test_so_many_at_once_and_then_no_more(per_minute: int) -> None:
    clock = Clock()
    limit = RateLimit(per_minute, clock=clock)
    number = min(per_minute, 5000)
    assert all(limit.take("ann").retry_after_s == 0 for _ in range(number))
    if per_minute == number:
        assert 0 < limit.take("ann").retry_after_s <= 60 / per_minute + 1e-6


def test_tokens_come_back_evenly() -> None:
    clock = Clock()
    limit = RateLimit(6, clock=clock)
    assert [limit.take("ann").remaining for _ in range(7)] == [5, 4, 3, 2, 1, 0, 0]
    assert limit.take("ann").retry_after_s == pytest.approx(10)
    clock.now += 9.9
    assert limit.take("ann").retry_after_s == pytest.approx(0.1)
    clock.now += 0.1
    assert limit.take("ann").retry_after_s == 0
    assert limit.take("ann").retry_after_s == pytest.approx(10)
    clock.now += 3600
    assert limit.take("ann").remaining == 5


def test_who_is_refused_is_not_put_off_by_asking_again() -> None:
    clock = Clock()
    limit = RateLimit(1, clock=clock)
    limit.take("ann")
    for _ in range(100):
        limit.take("ann")
    clock.now += 60
    assert limit.take("ann").retry_after_s == 0


def test_nobody_pays_for_another() -> None:
    limit = RateLimit(1, clock=Clock())
    assert limit.take("ann").retry_after_s == 0
    assert limit.take("bob").retry_after_s == 0
    assert limit.take("ann").retry_after_s > 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_MOST_REMEMBERED", 10)
    limit = RateLimit(1, clock=Clock())
    for number in range(1000):
        limit.take(number)
    assert len(limit._full_at) == 10
    assert limit.take(999).retry_after_s > 0


def test_a_refusal_says_when_to_come_again() -> None:
    limit = RateLimit(2, "previews", clock=Clock())
    assert limit.require("ann") == {"RateLimit-Policy": '"previews";q=2;w=60', "RateLimit": '"previews";r=1;t=30'}
    limit.require("ann")
    with pytest.raises(ApiError) as caught:
        limit.require("ann")
    assert (caught.value.status, caught.value.details) == (429, {"limit": 2, "window_s": 60})
    assert caught.value.headers == {
        "RateLimit-Policy": '"previews";q=2;w=60',
        "RateLimit": '"previews";r=0;t=60',
        "Retry-After": "30",
    }
