"""Processes that run beside us: how one is started, awaited, stopped, and found again after a crash. POSIX only."""

import contextlib
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from embedded.accounts import Account
from embedded.directory import PRIVATE_UMASK, open_private_file, write_private_file
from embedded.errors import EmbeddedServerError
from embedded.processes import POLL_INTERVAL_S, end_process_tree, works_in

#: How far two readings of one process's start may lie apart, in seconds: the clock is adjusted now and then.
START_TIME_TOLERANCE_S = 2.0

#: What switches colours in a log, which a one-line message has no use for.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

#: A log that has grown beyond this many bytes is begun anew at the next start.
LOG_LIMIT_BYTES = 10_000_000


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
                    umask=PRIVATE_UMASK,
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

    @property
    def last_sign(self) -> str:
        """How it ended, by itself or by somebody else's hand, as one line."""
        code = None if self._process is None else self._process.poll()
        how = "it was not started" if code is None else f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return f"{how}, after: {self.last_words} (log: {self.log})"

    def terminate(self, stop_signal: signal.Signals, timeout_s: float) -> None:
        """Ask it to end, wait, and kill what is left of it and its own children. Does nothing when it is gone."""
        if self._process is not None:
            # Once its end was noticed, its pid may be anybody's.
            if not self.has_ended:
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
        return open_private_file(self.log, "wb" if is_long else "ab")

    def _remember(self, pid: int) -> None:
        # It may have ended already; waiting for it to be ready says so better than this could.
        with contextlib.suppress(psutil.NoSuchProcess):
            started_at = psutil.Process(pid).create_time()
            write_private_file(self._record, json.dumps({"pid": pid, "started_at": started_at}))

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
