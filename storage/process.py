"""What every process of ours does at its two ends: say in one line why it cannot start, and stop when asked."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from storage.settings import SettingsError

Command = Callable[[list[str]], int]


def run_command(command: Command, arguments: list[str]) -> int:
    """The exit code of a command; 2, and one line on standard error, when its settings cannot be meant."""
    try:
        return command(arguments)
    except SettingsError as error:
        sys.stderr.write(f"readthrough: {error}\n")
        return 2


def leave(code: int) -> NoReturn:
    """End now, whatever threads are still at work; Python by itself would wait for them."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set. Called from the main thread."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping
