"""Processes by their id: waiting for them, ending them with their descendants, knowing ours. POSIX only."""

import contextlib
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

#: How often a condition that we wait for is looked at, in seconds.
POLL_INTERVAL_S = 0.02


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


def _runs(process: psutil.Process) -> bool:
    # A zombie has ended; where process 1 does not collect orphans it stays in the table for ever.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
