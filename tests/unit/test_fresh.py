"""`make fresh`: what it wants, and that nothing of it is left, whatever happens. In full it is a command of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.fresh import __main__ as fresh
from tests.fresh.machine import PREFIX, CannotBeMade, mirror_of, require_means
from tests.readme import ROOT

#: Takes the place of debootstrap: it mounts something on the new machine, as that does, and then comes to no end.
MOUNTS_AND_STAYS = """#!/bin/sh
mkdir -p "$4" && mount -t tmpfs tmpfs "$4" && touch "$4/made" "$TMPDIR/mounted"
exec sleep {seconds}
"""
FAILS = "#!/bin/sh\nmkdir -p $4 && touch $4/made && exit 3\n"

#: A sleep that is found among all processes.
SECONDS = str(86_400 + os.getpid())


class Trial:
    """`python -m tests.fresh` with another debootstrap, and temporary files in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def debootstrap(self, text: str) -> None:
        """What debootstrap is."""
        program = self.folder / "bin/debootstrap"
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)

    def start(self) -> subprocess.Popen[str]:
        """The command, under way."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fresh"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    @property
    def left(self) -> list[Path]:
        """The folders of new machines."""
        return list(self.folder.glob(f"{PREFIX}*"))

    def is_mounted(self) -> bool:
        """Whether our debootstrap has come so far."""
        return (self.folder / "mounted").exists()


def sleepers() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["cmdline"] == ["sleep", SECONDS] and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def wait_until(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    made = Trial(tmp_path)
    made.debootstrap(FAILS)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    try:
        require_means()
    except CannotBeMade as error:
        pytest.skip(f"make fresh is not for this machine: {error}")
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


def test_who_is_not_root_is_told_why_it_cannot_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert fresh.main([]) == 1
    assert capsys.readouterr().err == "make fresh: it wants root: debootstrap, chroot and mount do\n"


def test_without_debootstrap_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert fresh.main([]) == 1
    assert "apt-get install debootstrap" in capsys.readouterr().err


def test_a_step_that_is_unknown_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert fresh.main(["perform"]) == 2
    assert "there is no step perform" in capsys.readouterr().err


def test_the_readme_names_what_a_bare_debian_needs() -> None:
    assert {"make", "git", "python3-venv"} <= set(fresh.packages_named((ROOT / "README.md").read_text()))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "sources.list",
            "# deb http://old.test/ bookworm main\ndeb [trusted=yes] http://mirror.test/debian bookworm main\n",
        ),
        (
            "sources.list.d/debian.sources",
            "Types: deb\n# URIs: http://old.test\nURIs: http://mirror.test/debian\nSuites: bookworm\n",
        ),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://other.test\nSuites: sid\n\n"
            "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\n",
        ),
    ],
)
def test_packages_come_from_where_this_machine_gets_them(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)

    assert mirror_of("bookworm", tmp_path) == "http://mirror.test/debian"


def test_without_such_a_source_debootstrap_chooses(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://mirror.test/ubuntu noble main\n")

    assert mirror_of("bookworm", tmp_path) is None


def test_after_a_failure_nothing_is_left(trial: Trial) -> None:
    process = trial.start()
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "ended with code 3" in said
    assert trial.left == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_after_an_interruption_nothing_is_left(trial: Trial, number: signal.Signals) -> None:
    trial.debootstrap(MOUNTS_AND_STAYS.format(seconds=SECONDS))
    process = trial.start()
    wait_until(lambda: trial.is_mounted() and sleepers())

    process.send_signal(number)

    process.communicate(timeout=60)
    assert process.returncode == 130
    assert trial.left == []
    wait_until(lambda: not sleepers())
    assert str(trial.folder) not in Path("/proc/self/mounts").read_text()


def test_what_a_killed_run_started_ends_with_it_and_its_folder_with_the_next(trial: Trial) -> None:
    trial.debootstrap(MOUNTS_AND_STAYS.format(seconds=SECONDS))
    process = trial.start()
    wait_until(lambda: trial.is_mounted() and sleepers())

    process.kill()

    wait_until(lambda: not sleepers())
    assert len(trial.left) == 1
    trial.debootstrap(FAILS)
    trial.start().communicate(timeout=60)
    assert trial.left == []


def test_a_run_that_is_under_way_keeps_its_folder(trial: Trial) -> None:
    trial.debootstrap(MOUNTS_AND_STAYS.format(seconds=SECONDS))
    trial.start()
    wait_until(lambda: trial.is_mounted() and sleepers())
    (under_way,) = trial.left

    trial.debootstrap(FAILS)
    trial.start().communicate(timeout=60)

    assert trial.left == [under_way]
