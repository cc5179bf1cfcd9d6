"""tests/growth.py: a quadratic reading is found, a linear one is not taken for it."""

from __future__ import annotations

import pytest

from tests.growth import assert_grows_with_the_length


def test_the_square_of_the_length_is_found() -> None:
    with pytest.raises(AssertionError):
        assert_grows_with_the_length(lambda length: sum(range((length // 50) ** 2)), 60_000)


def test_the_length_itself_is_not_taken_for_its_square() -> None:
    assert_grows_with_the_length(lambda length: sum(range(50 * length)), 60_000)
