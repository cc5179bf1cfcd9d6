"""How the time of a reading grows with what is read, told apart from the noise of a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable

#: The long text is so many times the short one: linear takes 8 times as long, quadratic 64 times.
TIMES_AS_LONG = 8
#: Between the two, as far from either in the logarithm.
MOST_GROWTH = 22
#: What a clock cannot tell apart, in seconds.
NOISE_S = 0.002
READINGS = 5


def assert_grows_with_the_length(read: Callable[[int], object], longest: int) -> None:
    """`read(n)` of about `n` characters must not take time that grows as the square of `n`.

    Each reading's length differs by one, so that no cache has seen its text; the least of a few is taken.
    """
    short, long = _least_seconds(read, longest // TIMES_AS_LONG), _least_seconds(read, longest)
    assert long < MOST_GROWTH * short + NOISE_S


def _least_seconds(read: Callable[[int], object], length: int) -> float:
    return min(_seconds(read, length - less) for less in range(READINGS))


def _seconds(read: Callable[[int], object], length: int) -> float:
    """In the time of this thread alone."""
    began = time.thread_time()
    read(length)
    return time.thread_time() - began
