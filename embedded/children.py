"""Server processes that run beside us: how one is started, awaited, stopped, and found again after a crash.

What the three servers share lives here and knows none of them; `postgres.py`, `object_store.py` and `rabbitmq.py`
say what each of them runs and when it is ready. POSIX only.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, ClassVar, Self

import psutil

#: How often a condition that we wait for is looked at, in seconds.
POLL_INTERVAL_S = 0.02

#: How far two readings of one process's start may lie apart, in seconds: the clock is adjusted now and then.
START_TIME_TOLERANCE_S = 2.0

#: Where free ports are looked for: below those that systems give to outgoing connections (Linux: from 32768). A client
#: that tries to reach a killed server on one of those can be given that very port, and keep the server from it.
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000

#: What switches colours in a log, which a one-line message has no use for.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

#: A log that has grown beyond this many bytes is begun anew at the next start.
LOG_LIMIT_BYTES = 10_000_000


class EmbeddedServerError(Exception):
    """A server that should run beside us cannot; the message says why in one line."""


@dataclass(frozen=True)
class Account:
    """The user and group that a child of root runs as."""

    uid: int
    gid: int


class Child:
    """One process of ours, remembered in a file, so that the next run finds it should this one be killed.

    Its pid, the time of its start and its working directory, `directory` or one below, tell it from a stranger who
    got the same pid later.
    """

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.directory = directory
        self.log = directory / f"{name}.log"
        self._record = directory / f"{name}.pid"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start_bytes = 0

    @property
    def pid(self) -> int:
        """The process id; raises EmbeddedServerError when it was not started."""
        if self._process is None:
            raise EmbeddedServerError(f"{self.name} is not running")
        return self._process.pid

    def spawn(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        account: Account | None = None,
    ) -> None:
        """Start the process, as another account when asked, in a session of its own.

        The session keeps a Ctrl-C in the terminal from the child: we stop it, when its users have stopped.
        """
        with self._open_log() as log:
            self._log_start_bytes = log.tell()
            try:
                self._process = subprocess.Popen(
                    command,
                    env=environment,
                    cwd=self.directory,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=None if account is None else account.uid,
                    group=None if account is None else account.gid,
                    extra_groups=None if account is None else [],
                )
            except OSError as error:
                raise EmbeddedServerError(f"{self.name} cannot be started: {error}") from error
        self._remember(self._process.pid)

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `ready()` says so; raise EmbeddedServerError, with its last words, when it ended or is late."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.has_ended:
                raise EmbeddedServerError(f"{self.name} did not start: {self.last_words} (log: {self.log})")
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"{self.name} was not ready within {timeout_s:.0f} s: {self.last_words} (log: {self.log})"
                )
            time.sleep(POLL_INTERVAL_S)

    @property
    def has_ended(self) -> bool:
        """Whether the process, once started, is gone."""
        return self._process is None or self._process.poll() is not None

    @property
    def last_words(self) -> str:
        """The last lines that it wrote since its start, as one line."""
        with self.log.open("rb") as log:
            log.seek(self._log_start_bytes)
            lines = COLOUR.sub("", log.read().decode(errors="replace")).splitlines()
        return " | ".join(line.strip() for line in lines[-3:] if line.strip()) or "it said nothing"

    def terminate(self, stop_signal: signal.Signals, timeout_s: float) -> None:
        """Ask it to end, wait, and kill what is left of it and its own children. Does nothing when it is gone."""
        if self._process is not None:
            end_process_tree(self._process.pid, stop_signal, timeout_s)
            self._process.wait()
            self._process = None
        self._record.unlink(missing_ok=True)

    def kill(self) -> None:
        """kill -9, with its own children, and return when they are gone. The record stays, as after a crash."""
        if self._process is not None:
            end_process_tree(self._process.pid, signal.SIGKILL, timeout_s=10)
            self._process.wait()
            self._process = None

    def end_stale(self, stop_signal: signal.Signals, timeout_s: float) -> bool:
        """End the process that a killed run has left behind, if it still runs and is certainly ours.

        False when the last run ended as it should, with `terminate`.
        """
        was_left = self._record.exists()
        if self._process is not None:
            self.terminate(stop_signal, timeout_s)
        stale = self._recall()
        if stale is not None:
            end_process_tree(stale.pid, stop_signal, timeout_s)
        self._record.unlink(missing_ok=True)
        return was_left

    def _open_log(self) -> IO[bytes]:
        is_long = self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES
        return self.log.open("wb" if is_long else "ab")

    def _remember(self, pid: int) -> None:
        # It may have ended already; waiting for it to be ready says so better than this could.
        with contextlib.suppress(psutil.NoSuchProcess):
            started_at = psutil.Process(pid).create_time()
            self._record.write_text(json.dumps({"pid": pid, "started_at": started_at}))

    def _recall(self) -> psutil.Process | None:
        try:
            record = json.loads(self._record.read_text())
            process = psutil.Process(record["pid"])
            is_ours = abs(process.create_time() - record["started_at"]) < START_TIME_TOLERANCE_S and works_in(
                process, self.directory
            )
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            return None
        return process if is_ours else None


class EmbeddedServer(ABC):
    """A server of ours with its files in one directory: started, stopped, killed and started again at will.

    Used as a context manager it runs inside the block. One directory serves one server at a time, whichever
    process starts it: the second gets an EmbeddedServerError.
    """

    #: What it is called in messages and in the names of its files.
    name: ClassVar[str]
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

    def start(self) -> None:
        """Start the server, unless it runs, and return when it answers; raises EmbeddedServerError when it cannot."""
        if not self._child.has_ended:
            return
        self._lock.acquire()
        try:
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


class DirectoryLock:
    """One running process a directory: the operating system lets go of it however the holder ends."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Make the directory and hold it; raises EmbeddedServerError when another holds it or it cannot be written."""
        if self._file is not None:
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            file = (self.directory / "lock").open("a+")
        except OSError as error:
            raise EmbeddedServerError(f"cannot write to {self.directory}: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise EmbeddedServerError(
                f"{self.directory} is in use by process {holder or '?'}: stop it, or choose another DATA_DIR"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let go. Does nothing when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody has now."""
    while True:
        port = LOWEST_PORT + secrets.randbelow(HIGHEST_PORT - LOWEST_PORT)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def require_free_port(port: int, wanted_by: str) -> None:
    """Raise EmbeddedServerError when somebody listens on the port, before the server fails in words of its own."""
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are still in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EmbeddedServerError(
                f"port {port}, where {wanted_by} should listen, cannot be had: {error.strerror}"
            ) from error


def port_answers(port: int) -> bool:
    """Whether somebody accepts connections on the port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def end_process_tree(pid: int, stop_signal: signal.Signals, timeout_s: float) -> None:
    """Signal the process, wait until it is gone, and kill whatever of it and its descendants is left."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        process.send_signal(stop_signal)
        # A stopped process hears nothing until it goes on.
        process.resume()
    except psutil.NoSuchProcess:
        return
    if stop_signal is not signal.SIGKILL:
        wait_until_gone([process], timeout_s)
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    wait_until_gone(family, timeout_s=10)


def wait_until_gone(processes: Sequence[psutil.Process], timeout_s: float) -> bool:
    """Wait until none of them runs any more; False when one still does after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while any(_runs(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_INTERVAL_S)
    return True


def works_in(process: psutil.Process, directory: Path) -> bool:
    """Whether the process has its working directory in this one; False also when we may not know."""
    try:
        return Path(process.cwd()).is_relative_to(directory)
    except (psutil.Error, OSError):
        return False


def write_private_file(path: Path, text: str) -> None:
    """Write a file that its owner alone can read; whole or not at all, so that a crash leaves no half of a secret."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text)
    draft.replace(path)


def _runs(process: psutil.Process) -> bool:
    # A zombie has ended; where process 1 does not collect orphans it stays in the table for ever.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
