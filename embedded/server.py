"""What the embedded servers share: `postgres.py` and `object_store.py` say what each runs and when it is ready."""

import shutil
import signal
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from embedded.children import Child
from embedded.directory import DirectoryLock, close_to_others
from embedded.errors import EmbeddedServerError


class EmbeddedServer(ABC):
    """A server of ours with its files in one directory: started, stopped, killed and started again at will.

    Used as a context manager it runs inside the block. One directory serves one server at a time, whichever
    process starts it: the second gets an EmbeddedServerError.
    """

    #: What it is called in the log and in the names of its files.
    name: ClassVar[str]
    #: What it is called in a sentence.
    title: ClassVar[str]
    #: What asks it to stop at once, yet in order.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    #: How long a start may take on a slow machine, in seconds.
    start_timeout_s: ClassVar[float] = 60.0
    #: How long it may take to stop before it is killed, in seconds.
    stop_timeout_s: ClassVar[float] = 20.0

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._child = Child(self.name, self.directory)
        self._lock = DirectoryLock(self.directory)

    @property
    def pid(self) -> int:
        """The id of the server's main process; raises EmbeddedServerError when it is not running."""
        return self._child.pid

    @property
    def has_ended(self) -> bool:
        """Whether the server, started or not, is not there now."""
        return self._child.has_ended

    @property
    def last_sign(self) -> str:
        """How it ended, by itself or by somebody else's hand, as one line."""
        return self._child.last_sign

    def start(self) -> None:
        """Start the server, unless it runs, and return when it answers; raises EmbeddedServerError when it cannot."""
        if not self._child.has_ended:
            return
        self._lock.acquire()
        try:
            close_to_others(self.directory)
            was_killed = self._child.end_stale(self.stop_signal, self.stop_timeout_s)
            self._prepare(after_a_kill=was_killed)
            self._spawn()
            self._child.wait_until(self._is_ready, self.start_timeout_s)
            self._settle()
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise EmbeddedServerError(f"{self.name} cannot use {self.directory}: {error}") from error
            raise

    def stop(self) -> None:
        """Stop the server in order and return when it is gone. Does nothing when it is not running."""
        self._child.terminate(self.stop_signal, self.stop_timeout_s)
        self._lock.release()

    def kill(self) -> None:
        """kill -9 the server, as a fault would; `start` brings it back with the same data at the same address."""
        self._child.kill()

    def restart(self) -> None:
        """Stop in order, then start with the same data at the same address."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Stop the server and delete everything that it has kept."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @abstractmethod
    def _prepare(self, *, after_a_kill: bool) -> None:
        """Write what the server needs on disk before it starts."""

    @abstractmethod
    def _spawn(self) -> None:
        """Start the process."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether the server answers; asked again and again."""

    @abstractmethod
    def _settle(self) -> None:
        """Do what the running server needs before anybody uses it."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
