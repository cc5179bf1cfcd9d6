"""What the embedded servers share, on the quickest of them: one directory one server, and nothing outlives a crash."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from embedded.directory import DirectoryLock
from embedded.errors import EmbeddedServerError
from embedded.object_store import ObjectStore
from embedded.processes import wait_until_gone

#: Starts the servers of a directory, says their pids, and waits to be killed.
A_RUN_THAT_WILL_BE_KILLED = """
import sys
from pathlib import Path
from embedded.object_store import ObjectStore
from embedded.postgres import Postgres

directory = Path(sys.argv[1])
with ObjectStore(directory / "s3") as store, Postgres(directory / "postgres") as postgres:
    print(store.pid, postgres.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    """A process that is none of our business."""
    with subprocess.Popen(["sleep", "60"], cwd="/") as process:
        yield psutil.Process(process.pid)
        process.kill()


def test_a_killed_run_leaves_servers_that_the_next_run_ends(server_directory: Path, request: pytest.FixtureRequest):
    # Given a run that was killed with its servers up
    run = subprocess.Popen(
        [sys.executable, "-c", A_RUN_THAT_WILL_BE_KILLED, str(server_directory)],
        cwd=request.config.rootpath,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        assert run.stdout is not None
        store, postgres = (psutil.Process(int(pid)) for pid in run.stdout.readline().split())
        run.kill()
    assert store.is_running()
    assert postgres.is_running()

    # When the next run starts in the same directory
    next_run = subprocess.run(
        [sys.executable, "-c", A_RUN_THAT_WILL_BE_KILLED, str(server_directory)],
        cwd=request.config.rootpath,
        input="",
        capture_output=True,
        text=True,
        check=False,
    )

    # Then it has servers of its own, and the old ones are gone
    assert next_run.returncode == 0, next_run.stderr
    assert str(store.pid) not in next_run.stdout.split()
    assert wait_until_gone([store, postgres], timeout_s=0)


def test_a_stranger_with_the_pid_of_an_old_child_is_left_alone(server_directory: Path, stranger: psutil.Process):
    record = {"pid": stranger.pid, "started_at": stranger.create_time()}
    (server_directory / "object-store.pid").write_text(json.dumps(record))

    with ObjectStore(server_directory):
        assert stranger.is_running()


def test_a_second_server_in_one_directory_is_refused(server_directory: Path):
    with ObjectStore(server_directory) as first:
        with pytest.raises(EmbeddedServerError, match="is in use by process"):
            ObjectStore(server_directory).start()

        assert psutil.pid_exists(first.pid)


def test_a_directory_is_free_again_when_its_holder_lets_go(server_directory: Path):
    with DirectoryLock(server_directory), pytest.raises(EmbeddedServerError, match="stop it, or choose another"):
        DirectoryLock(server_directory).acquire()

    with DirectoryLock(server_directory):
        pass


def test_a_directory_that_cannot_be_written_is_named(server_directory: Path):
    (server_directory / "file").touch()

    with pytest.raises(EmbeddedServerError, match=r"cannot write to .*file"):
        ObjectStore(server_directory / "file").start()


def test_a_server_that_ends_at_once_is_quoted(server_directory: Path, monkeypatch: pytest.MonkeyPatch):
    broken = server_directory / "rclone"
    broken.write_text("#!/bin/sh\necho no such command >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("embedded.object_store.find_rclone", lambda: str(broken))

    with pytest.raises(EmbeddedServerError, match="object-store did not start: no such command"):
        ObjectStore(server_directory).start()


def test_starting_twice_is_starting_once(server_directory: Path):
    with ObjectStore(server_directory) as store:
        pid = store.pid

        store.start()

        assert store.pid == pid


def test_a_stopped_process_is_stopped_all_the_same(server_directory: Path):
    with ObjectStore(server_directory) as store:
        process = psutil.Process(store.pid)
        process.suspend()

    assert not process.is_running()
