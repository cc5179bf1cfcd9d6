"""actors/synthesis.py: how long a turn may take."""

from __future__ import annotations

from contextlib import closing

import pytest

from actors.providers import PROVIDERS
from actors.synthesis import TURN_TIMEOUT_S, turn_timeout_s
from tests.standins.settings import settings_of


@pytest.mark.parametrize(
    ("name", "remaining_s", "timeout_s"),
    [("openai", 600.0, TURN_TIMEOUT_S), ("openai", 30.0, 30.0), ("kokoro", 600.0, 600.0), ("espeak", 30.0, 30.0)],
)
def test_a_vendor_has_two_minutes_and_a_voice_of_our_own_until_the_deadline(
    name: str, remaining_s: float, timeout_s: float
) -> None:
    with closing(PROVIDERS[name](settings_of({}))) as provider:
        assert turn_timeout_s(provider, remaining_s) == timeout_s
