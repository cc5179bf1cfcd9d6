"""`readthrough` as a user types it: what it says, and with which code it ends."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import av
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
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


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


SCRIPT = "# 開會\n\n- **小美：**今天的會改到幾點？\n- 阿德（看錶）：下午三點。\n"


def test_speak_makes_an_audio_file_of_a_text_file_with_one_command(tmp_path: Path) -> None:
    (tmp_path / "script.md").write_bytes(SCRIPT.encode("big5"))
    done = readthrough(
        tmp_path,
        *("speak", "script.md", "-o", "talk.ogg", "--captions", "talk.srt", "--provider", "espeak"),
        *("--voice", "小美=cmn+f2"),
        settings={"DATA_DIR": str(tmp_path / "data")},
    )

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d\.\d s of audio, [\d,]+ bytes: talk\.ogg\n", done.stdout)
    assert "script.md is read as Big5" in done.stderr
    assert "3 lines of script.md changed or left out in reading: `readthrough parse script.md` tells" in done.stderr
    assert "2/2 turns, done" in done.stderr
    with av.open(str(tmp_path / "talk.ogg"), "r") as audio:
        assert audio.format.name == "ogg"
        assert sum(frame.samples for frame in audio.decode(audio=0)) > 24_000
    assert "下午三點" in (tmp_path / "talk.srt").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["speak", "nothing.txt", "-o", "a.mp3", "--server", "http://127.0.0.1:9"], 1, "readthrough speak: [Errno 2]"),
        (["jobs", "list"], 1, "readthrough jobs: no `readthrough run` is at work in "),
        (["voices"], 1, "readthrough voices: no `readthrough run` is at work in "),
        (["speak", "a.txt", "-o", "a.doc"], 2, "usage: readthrough speak"),
        (["speak", "a.txt", "-o", "a.mp3", "--voice", "小美"], 2, "usage: readthrough speak"),
    ],
)
def test_what_goes_wrong_is_said_without_a_trace(tmp_path: Path, arguments: list[str], code: int, line: str) -> None:
    done = readthrough(tmp_path, *arguments)

    assert done.returncode == code
    assert done.stderr.startswith(line)
    assert "Traceback" not in done.stderr


def test_the_version_is_told(tmp_path: Path) -> None:
    done = readthrough(tmp_path, "--version")

    assert done.returncode == 0
    assert re.fullmatch(r"readthrough \d+\.\d+\.\d+\n", done.stdout)
