"""storage/process.py: how a command of ours ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_COMMAND = """
import sys
from storage.process import run_command
sys.exit(run_command(lambda _: print("something") or {code}, []))
"""


@pytest.mark.parametrize("code", [0, 3])
def test_a_command_ends_as_it_says_though_nobody_reads_its_last_words(code: int) -> None:
    """Python ends with 120 if it cannot write what is left: so did `readthrough run` when its terminal was closed."""
    nobody, written = os.pipe()
    os.close(nobody)
    try:
        command = [sys.executable, "-c", _COMMAND.format(code=code)]
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        assert subprocess.run(command, stdout=written, env=buffered, timeout=60, check=False).returncode == code
    finally:
        os.close(written)
