"""What the tests need of the system beside Python: how each is found here, and which package brings it.

Standard library only: `install.py` asks this before anything else is installed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Where Debian and Red Hat keep RabbitMQ itself. The `rabbitmq-server` on the PATH there is a wrapper for the system's
#: own node: it changes to the account `rabbitmq`, or refuses to run.
PACKAGED_RABBITMQ: Final = Path("/usr/lib/rabbitmq/bin")

#: What Chromium is called on the PATH.
CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

#: What the browser tests' driver is linked with on Linux.
ATOMIC: Final = "libatomic.so.1"


@dataclass(frozen=True, slots=True)
class Need:
    """A thing that must be on the machine, and what brings it."""

    name: str
    #: Of Debian and Ubuntu.
    package: str
    is_met: Callable[[Mapping[str, str]], bool]
    #: What does as well, where that package cannot be had.
    otherwise: str = ""
    #: Whether something is here that does as well: asked only where nothing can be installed.
    has_substitute: Callable[[], bool] = lambda: False


def rabbitmq_programs() -> Path | None:
    """The directory of `rabbitmq-server` and `rabbitmqctl`, or None where RabbitMQ is not installed."""
    if (PACKAGED_RABBITMQ / "rabbitmq-server").exists():
        return PACKAGED_RABBITMQ
    on_path = shutil.which("rabbitmq-server")
    return None if on_path is None else Path(on_path).resolve().parent


def has_docker_engine() -> bool:
    """Whether a Docker engine answers; the command alone is not one."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, timeout=30, check=False).returncode == 0


def chromium_program() -> str | None:
    """The path of this machine's Chromium, or None."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name)) is not None), None)


def _has_atomic() -> bool:
    try:
        ctypes.CDLL(ATOMIC)
    except OSError:
        return False
    return True


RABBITMQ: Final = Need(
    "RabbitMQ",
    "rabbitmq-server",
    lambda environment: bool(environment.get("RABBITMQ_URL")) or rabbitmq_programs() is not None,
    otherwise="`brew install rabbitmq`, a Docker engine, or RABBITMQ_URL set to a server that may be written to",
    has_substitute=has_docker_engine,
)
CHROMIUM: Final = Need(
    "Chromium",
    "chromium",
    lambda environment: bool(environment.get("CHROMIUM")) or chromium_program() is not None,
    otherwise="`brew install --cask chromium`, or CHROMIUM set to the path of one",
)
NEEDS: Final[Sequence[Need]] = (
    RABBITMQ,
    CHROMIUM,
    Need("libatomic", "libatomic1", lambda _environment: not sys.platform.startswith("linux") or _has_atomic()),
    Need("curl", "curl", lambda _environment: shutil.which("curl") is not None),
)


def missing(environment: Mapping[str, str] = os.environ) -> list[Need]:
    """What is not here."""
    return [need for need in NEEDS if not need.is_met(environment)]


def how_to_get(needs: Sequence[Need]) -> str:
    """One line that says what is not here, and what to install."""
    names = ", ".join(need.name for need in needs)
    command = " ".join(["apt-get install --no-install-recommends", *(need.package for need in needs)])
    others = "".join(f"; for {need.name} also {need.otherwise}" for need in needs if need.otherwise)
    return f"the tests need what is not on this machine: {names}. As root on Debian or Ubuntu: `{command}`{others}"
