"""What every process of ours does at its two ends: say in one line why it cannot start, and stop when asked."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn

from storage.settings import SettingsError

Command = Callable[[list[str]], int]

#: What asks a process of ours to stop. A hang-up: its terminal was closed.
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run_command(command: Command, arguments: list[str]) -> int:
    """The exit code of a command; 2, and one line on standard error, when its settings cannot be meant."""
    try:
        return command(arguments)
    except SettingsError as error:
        sys.stderr.write(f"readthrough: {error}\n")
        return 2
    finally:
        _forget_what_nobody_reads()


def _forget_what_nobody_reads() -> None:
    """Python ends with 120, whatever a command says, if its last words find a closed terminal or pipe."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def leave(code: int) -> NoReturn:
    """End now, whatever threads are still at work; Python by itself would wait for them."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def settle() -> None:
    """All that this process is made of is made, and stays until it ends: the garbage collector looks at it no more.

    It would, a hundred megabytes of it, again and again, and whoever asks something meanwhile waits.
    """
    gc.collect()
    gc.freeze()


def on_stop_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Have the handler called whenever this process is asked to stop. Called from the main thread."""
    for number in _STOP_SIGNALS:
        # Whoever started us with hang-ups ignored, as nohup does, wants us to outlive the terminal.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def stop_on_signals() -> threading.Event:
    """An event that is set when this process is asked to stop. Called from the main thread."""
    stopping = threading.Event()
    on_stop_signals(lambda number, frame: stopping.set())
    return stopping


def interrupt_on_signals() -> None:
    """Have KeyboardInterrupt raised when this process is asked to stop, once: the way out is not interrupted.

    Called from the main thread.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        on_stop_signals(lambda number, frame: None)
        raise KeyboardInterrupt

    on_stop_signals(interrupt)
