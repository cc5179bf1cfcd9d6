"""`readthrough` as a user types it: what it says, and with which code it ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from embedded.__main__ import COMMANDS

PROGRAM = Path(sys.executable).with_name("readthrough")
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def readthrough(
    directory: Path, *arguments: str, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command, in a directory that has no `.env`."""
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=directory,
        env=ENVIRONMENT | dict(settings or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", [[], ["--help"], ["help"]])
def test_without_a_command_it_tells_what_there_is(tmp_path: Path, arguments: list[str]) -> None:
    done = readthrough(tmp_path, *arguments)

    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in ("api", "worker", "scheduler", "migrate", "keys", "run"))


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_a_help(tmp_path: Path, command: str) -> None:
    done = readthrough(tmp_path, command, "--help")

    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: readthrough {command}")
    assert done.stderr == ""


def test_an_unknown_command_is_named(tmp_path: Path) -> None:
    done = readthrough(tmp_path, "perform")

    assert done.returncode == 2
    assert done.stderr.startswith("readthrough: there is no command 'perform'\n")


@pytest.mark.parametrize(
    ("arguments", "settings", "line"),
    [
        (["migrate"], {}, "readthrough: DATABASE_URL is not set"),
        (["api"], {}, "readthrough: RABBITMQ_URL is not set"),
        (["api"], {"HOST": "0.0.0.0"}, "readthrough: AUTH=none with HOST=0.0.0.0"),  # noqa: S104 # refused
        (["worker"], {"RABBITMQ_URL": "amqp://x/"}, "readthrough: DATABASE_URL is not set"),
        (["scheduler"], {}, "readthrough: RABBITMQ_URL is not set"),
        (["run"], {"PORT": "none"}, "readthrough: PORT: "),
        (["run"], {"MAX_ACTIVE_JOBS": "-1"}, "readthrough: MAX_ACTIVE_JOBS: "),
    ],
)
def test_settings_that_cannot_be_meant_are_one_line_and_code_2(
    tmp_path: Path, arguments: list[str], settings: Mapping[str, str], line: str
) -> None:
    done = readthrough(tmp_path, *arguments, settings=settings)

    assert done.returncode == 2
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("queues", ["", "singing", "synthesis,singing"])
def test_an_unknown_queue_is_refused(tmp_path: Path, queues: str) -> None:
    done = readthrough(tmp_path, "worker", "--queues", queues)

    assert done.returncode == 2
    assert "choose from synthesis, assembly" in done.stderr


def test_a_taken_port_is_told_at_once_and_in_clear_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = readthrough(tmp_path, "run", settings={"PORT": str(port)})

    assert done.returncode == 2
    assert done.stderr.startswith(f"readthrough: cannot listen on 127.0.0.1:{port}: ")
    assert "PORT" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
