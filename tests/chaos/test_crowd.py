"""Many submits at once, over HTTP, against several processes."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.crowd import EXPECTED, rush
from tests.chaos.ground import Ground


def test_of_fifty_submits_at_once_to_three_processes_three_are_accepted(ground: Ground, server_directory: Path) -> None:
    assert rush(ground, server_directory, repeats=3) == [EXPECTED] * 3
