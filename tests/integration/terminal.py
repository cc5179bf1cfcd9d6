"""A program on a terminal of its own, as a person starts it: what it shows, and what becomes of it when that closes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from embedded.processes import end_process_tree
from tests.integration.system import PATIENCE_S, wait_until

#: Makes its standard input the terminal that it belongs to, and becomes the program that its arguments name.
TAKE_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A program, from its start to the end of the block."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], directory: Path) -> None:
        self._master, terminal = os.openpty()
        os.set_blocking(self._master, False)
        self._shown = b""
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKE_THE_TERMINAL, *command],
            env=environment,
            cwd=directory,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self.pid = self._process.pid

    @property
    def shown(self) -> str:
        """Everything that it has shown so far."""
        try:
            while piece := os.read(self._master, 65_536):
                self._shown += piece
        except OSError:  # nothing more, for now or for ever
            pass
        return self._shown.decode(errors="replace").replace("\r\n", "\n")

    def wait_for(self, words: str) -> str:
        """Everything that it has shown, as soon as these words are among it."""
        wait_until(lambda: words in self.shown or self._process.poll() is not None, f"{words!r} on the terminal")
        assert words in self.shown, self.shown
        return self.shown

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def close(self) -> None:
        """Close the window. Does nothing when it is closed."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def wait(self) -> int:
        """The exit code of the program, as soon as it has ended."""
        return self._process.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            end_process_tree(self.pid, signal.SIGKILL, timeout_s=10)
            self._process.wait()
        self.close()
