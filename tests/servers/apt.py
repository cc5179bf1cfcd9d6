"""Packages of Debian, installed with patience: locks are waited for, what was interrupted is finished, failures are
tried again, and no service starts. Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

#: One at a time holds this. Only root may write there: nobody can lay a link in its place.
LOCK: Final = Path("/run/readthrough-install.lock")

#: What packages ask before they start a service, and the exit code that forbids it: policy-rc.d, see invoke-rc.d(8).
SERVICE_POLICY: Final = Path("/usr/sbin/policy-rc.d")
SERVICE_FORBIDDEN: Final = 101

#: In a policy of ours. One that is found was left by an install that was killed.
MARK: Final = "made by tests/servers/apt.py of Readthrough"

#: How apt and dpkg say that another of them is at work.
IS_LOCKED: Final = re.compile(
    r"(Could not get|Unable to acquire.*) lock|Unable to lock|lock(ed)? (was locked )?by another"
)

#: How apt says that an earlier run did not come to its end, which newer lists of packages do not help.
WAS_INTERRUPTED: Final = "dpkg was interrupted"

#: apt waits for dpkg's lock by itself, so long, in seconds; for the other locks we do.
APT_GET: Final = ("apt-get", "-o", "DPkg::Lock::Timeout=60")

#: Where there is a choice, the settings that a package has here are kept: nobody is there to answer.
KEEP_SETTINGS: Final = ("--force-confdef", "--force-confold")


class InstallError(Exception):
    """What is needed cannot be installed; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds."""

    #: Between one try and the next, when one has failed.
    pauses_s: Sequence[float] = (1, 3, 10, 30)
    #: For another apt or dpkg to end, at most, for each command.
    locks_s: float = 900
    #: Between two looks at a lock: the first, and the longest.
    first_look_s: float = 1
    longest_look_s: float = 10


PATIENCE: Final = Patience()


def may_install() -> bool:
    """Whether this is root on Debian, Ubuntu or a child of theirs."""
    return os.geteuid() == 0 and all(shutil.which(program) for program in ("apt-get", "dpkg"))


@contextlib.contextmanager
def one_at_a_time(path: Path, on_wait: Callable[[], None]) -> Generator[IO[str]]:
    """Hold the lock that only one process of this machine can have; call `on_wait` if it must be waited for."""
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


@contextlib.contextmanager
def services_stay_off(policy: Path, lock: Path) -> Generator[None]:
    """Packages that are installed meanwhile start no service. For the holder of the lock.

    A policy that is there is left as it is. Ours is gone afterwards; should we be killed, it forbids nothing any more,
    because it asks whether the lock is held, and the next install deletes it.

    Raises:
        InstallError: the policy that is there would let services start.
    """
    if policy.exists() and MARK in policy.read_text(errors="replace"):
        policy.unlink()
    if policy.exists():
        if not _forbids(policy):
            raise InstallError(f"{policy} lets packages start their services")
        yield
        return
    new = policy.with_name(f"{policy.name}.new")
    new.write_text(f"#!/bin/sh\n# {MARK}\nflock -n {lock} true && exit 0\nexit {SERVICE_FORBIDDEN}\n")
    new.chmod(0o755)
    policy.hardlink_to(new)
    new.unlink()
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def install(packages: Sequence[str], lock: IO[str], patience: Patience) -> None:
    """Install the packages, without what they only recommend.

    After a failure what an earlier run left half done is finished, and the lists of packages are brought up to date.
    `lock` stays held for as long as apt-get works, should we be killed meanwhile.

    Raises:
        InstallError: it failed to the last.
    """
    for pause_s in (*patience.pauses_s, None):
        failure = _run([*APT_GET, "install", "--yes", "--no-install-recommends", *packages], lock, patience)
        if failure is None:
            return
        if pause_s is None:
            raise InstallError(f"`apt-get install {' '.join(packages)}` failed: {failure}")
        time.sleep(pause_s)
        _run(["dpkg", *KEEP_SETTINGS, "--configure", "-a"], lock, patience)
        _run([*APT_GET, "install", "--yes", "--fix-broken"], lock, patience)
        if WAS_INTERRUPTED not in failure:
            _run([*APT_GET, "update"], lock, patience)


def _run(command: Sequence[str], lock: IO[str], patience: Patience) -> str | None:
    """Run it as soon as no other apt or dpkg is at work. Gives its last words, as one line, if it failed."""
    give_up_at = time.monotonic() + patience.locks_s
    look_s = patience.first_look_s
    while True:
        code, words = _run_once(command, lock)
        if code == 0:
            return None
        if not IS_LOCKED.search(words) or time.monotonic() > give_up_at:
            return " | ".join(words.strip().splitlines()[-3:]) or f"exit code {code}"
        time.sleep(look_s)
        look_s = min(2 * look_s, patience.longest_look_s)


def _run_once(command: Sequence[str], lock: IO[str]) -> tuple[int, str]:
    process = subprocess.Popen(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=[lock.fileno()],
        # A Ctrl-C in the terminal would hit dpkg in the middle of a package.
        start_new_session=True,
    )
    try:
        words, _ = process.communicate()
    except BaseException:
        # apt-get ends when the package in hand is done.
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    return process.returncode, words


def _forbids(policy: Path) -> bool:
    try:
        asked = subprocess.run([policy, "rabbitmq-server", "start"], capture_output=True, check=False)
    except OSError:
        return False
    return asked.returncode == SERVICE_FORBIDDEN
