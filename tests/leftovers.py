"""What a test run may leave behind: how its processes are found, and how an earlier run's are cleaned away."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import psutil

from embedded.directory import DirectoryLock
from embedded.errors import EmbeddedServerError
from embedded.processes import end_process_tree, works_in

#: Set for the processes that the tests start; with it even one that has left our family is known.
SESSION_VARIABLE = "READTHROUGH_TEST_SESSION"

#: A directory this young, in seconds, may belong to a test run that has not come to hold it yet.
NEW_S = 30

#: Python's own servants, which end with it.
PYTHONS_OWN = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


def processes_of(session_directory: Path) -> list[psutil.Process]:
    """Every process that belongs to the test run with this directory: its descendants, and orphans that mention it."""
    ourselves = psutil.Process()
    family = {process.pid for process in ourselves.children(recursive=True)}
    return [
        process
        for process in psutil.process_iter()
        if process.pid != ourselves.pid
        and (process.pid in family or _mentions(process, session_directory))
        and _counts(process)
    ]


def clean_up_after_killed_sessions(directory: Path) -> None:
    """End the processes, and delete the files, of test runs in this directory that were killed before they could."""
    for session_directory in directory.iterdir() if directory.exists() else ():
        if time.time() - session_directory.stat().st_mtime < NEW_S:
            continue
        # One that is held belongs to a test run that is under way beside us.
        with contextlib.suppress(EmbeddedServerError), DirectoryLock(session_directory):
            for process in psutil.process_iter():
                if process.pid != os.getpid() and _mentions(process, session_directory):
                    end_process_tree(process.pid, signal.SIGKILL, timeout_s=10)
            shutil.rmtree(session_directory, ignore_errors=True)


def describe(process: psutil.Process) -> str:
    """The process in a line."""
    with contextlib.suppress(psutil.Error):
        return f"{process.pid} {' '.join(process.cmdline())[:200]}"
    return str(process.pid)


def _mentions(process: psutil.Process, session_directory: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return (
            works_in(process, session_directory)
            or any(str(session_directory) in argument for argument in process.cmdline())
            or process.environ().get(SESSION_VARIABLE) == str(session_directory)
        )
    return False


def _counts(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        command = " ".join(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and not any(name in command for name in PYTHONS_OWN)
    return False
