"""`readthrough run`: everything in one process, and what becomes of its servers and its jobs however it ends."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psutil
import pytest

from embedded.processes import end_process_tree, wait_until_gone
from storage.jobs import JobStatus
from storage.settings import ObjectStoreSettings
from storage.stores import Stores
from tests.integration.conftest import claimed, job_of
from tests.integration.system import READTHROUGH, Client, System, server_environment, wait_until
from tests.integration.terminal import Terminal
from tests.standins.openai import OpenAIStandIn

#: A run that has nothing but its own servers.
ALONE: Mapping[str, str] = {
    **dict.fromkeys(("DATABASE_URL", "RABBITMQ_URL", "S3_ENDPOINT_URL"), ""),
    "PORT": "0",
    "WORKER_THREADS": "1",
    "GRACE_PERIOD_S": "1",
}


@pytest.fixture
def vendor() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def environment(server_directory: Path, vendor: OpenAIStandIn) -> Mapping[str, str]:
    """The variables of a run with data of its own."""
    return {**vendor.environment, **ALONE, "DATA_DIR": str(server_directory / "data")}


def servers_of(pid: int) -> list[psutil.Process]:
    """The processes that a run has started."""
    return psutil.Process(pid).children(recursive=True)


def test_what_was_begun_when_a_run_was_killed_fails_at_the_next_start_and_what_waited_is_done(
    server_directory: Path, environment: Mapping[str, str], vendor: OpenAIStandIn
) -> None:
    vendor.stall()
    with System(server_directory, environment) as system:
        killed = system.start("run", event="readthrough_is_ready")
        before = Client.of(killed.wait_for("readthrough_is_ready")["url"])
        begun, *waiting = [before.submit(f"job {number}") for number in range(3)]
        vendor.wait_for_calls(1)
        before.http.close()
        servers = servers_of(killed.pid)
        assert servers

        killed.kill()
        again = system.start("run", event="readthrough_is_ready")
        after = Client.of(again.wait_for("readthrough_is_ready")["url"])

        assert wait_until_gone(servers, timeout_s=0)
        assert (after.job(begun)["status"], after.job(begun)["error_code"]) == ("failed", "system_interrupted")
        vendor.release()
        for job_id in waiting:
            after.wait_for(job_id, "completed", timeout_s=10)

        vendor.stall()
        after.submit("in hand at the end")
        vendor.wait_for_calls(4)
        after.http.close()
        servers = servers_of(again.pid)
        again.send(signal.SIGINT)
        again.send(signal.SIGINT)
        assert again.wait(15) == 0
        assert wait_until_gone(servers, timeout_s=0)
        with pytest.raises(httpx.ConnectError):
            httpx.get(again.wait_for("readthrough_is_ready")["url"])


def test_a_run_that_is_stopped_while_it_starts_leaves_nothing_behind(
    server_directory: Path, environment: Mapping[str, str]
) -> None:
    with System(server_directory, environment) as system:
        starting = system.begin("run")
        wait_until(lambda: servers_of(starting.pid), "a server is started")

        starting.send(signal.SIGTERM)
        starting.send(signal.SIGINT)

        assert starting.wait() == 0
        assert "Traceback" not in starting.log.read_text()
    # What is left running fails the test run.


def test_a_person_on_a_terminal_is_told_where_the_page_is_and_how_to_stop(
    server_directory: Path, environment: Mapping[str, str]
) -> None:
    with Terminal([READTHROUGH, "run"], {**os.environ, **environment}, server_directory) as terminal:
        shown = terminal.wait_for("Ctrl-C")
        url = re.search(r"http://127\.0\.0\.1:\d+", shown)
        assert url is not None, shown
        wait_until(lambda: httpx.get(f"{url[0]}/health/ready").is_success, "the page is there")

        terminal.type("\x03")

        assert terminal.wait() == 0
        lines = terminal.shown.splitlines()
        assert lines[-3:] == [f"Readthrough is at {url[0]}", "Press Ctrl-C to stop it.", "^CStopping …"]
        assert lines[:-3] in ([], ["Starting PostgreSQL …"], ["Starting PostgreSQL and the object store …"])


def test_closing_the_terminal_leaves_no_process(server_directory: Path, environment: Mapping[str, str]) -> None:
    with Terminal([READTHROUGH, "run"], {**os.environ, **environment}, server_directory) as terminal:
        terminal.wait_for("http://127.0.0.1:")
        servers = servers_of(terminal.pid)
        assert servers

        terminal.close()

        assert terminal.wait() == 0
        assert wait_until_gone(servers, timeout_s=0)


def test_operators_commands_find_the_servers_of_the_run_beside_them(
    server_directory: Path, environment: Mapping[str, str]
) -> None:
    with System(server_directory, {**environment, "AUTH": "api-key"}) as system:
        url = system.start("run", event="readthrough_is_ready").wait_for("readthrough_is_ready")["url"]

        made = system.run("keys", "create", "--user", "somebody")
        assert (made.returncode, made.stderr) == (0, "")
        key = made.stdout.split()[-1]
        assert httpx.get(f"{url}/api/v1/jobs", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert "somebody" in system.run("keys", "list").stdout
        assert system.run("migrate").returncode == 0


def test_where_no_run_is_at_work_operators_are_told_so_in_one_line(
    server_directory: Path, environment: Mapping[str, str]
) -> None:
    line = f"DATABASE_URL is not set, and no `readthrough run` is at work in {environment['DATA_DIR']}\n"
    with System(server_directory, environment) as system:
        before = system.run("keys", "list")
        killed = system.start("run", event="readthrough_is_ready")
        servers = servers_of(killed.pid)
        killed.kill()
        after_a_kill = system.run("keys", "list")
        for server in servers:
            end_process_tree(server.pid, signal.SIGKILL, timeout_s=10)

    for told in (before, after_a_kill):
        assert (told.returncode, told.stdout, told.stderr) == (2, "", f"readthrough: {line}")


def test_what_the_environment_names_goes_before_the_run(server_directory: Path, environment: Mapping[str, str]) -> None:
    with System(server_directory, environment) as system:
        system.start("run", event="readthrough_is_ready")
        elsewhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}

        told = system.run("keys", "list", **elsewhere)

    assert told.returncode == 1
    assert "the database cannot be reached" in told.stderr


def process_of(pid: int, name: str) -> psutil.Process:
    """The first process of one of the servers that a run has started, as soon as it is there."""

    def found() -> list[psutil.Process]:
        return [child for child in psutil.Process(pid).children() if name in child.name() and child.is_running()]

    wait_until(found, name)
    return found()[0]


@pytest.mark.parametrize("name", ["postgres", "rclone"])
def test_a_server_that_dies_is_started_again_with_its_data_at_its_address(
    server_directory: Path, environment: Mapping[str, str], name: str
) -> None:
    with System(server_directory, environment) as system:
        run = system.start("run", event="readthrough_is_ready")
        client = Client.of(run.wait_for("readthrough_is_ready")["url"])
        before = client.submit("before")
        client.wait_for(before, "completed")

        process_of(run.pid, name).kill()

        died = run.wait_for("server_died")
        assert died["reason"].startswith("SIGKILL, after: ")
        wait_until(lambda: client.http.get("../../health/ready").status_code == 200, "it is back")
        assert client.http.get(f"/jobs/{before}/download").status_code == 200
        client.wait_for(client.submit("after"), "completed")
        client.http.close()
        assert run.stop() == 0


def test_a_server_that_dies_again_and_again_ends_the_run_with_a_line_that_says_why(
    server_directory: Path, environment: Mapping[str, str]
) -> None:
    with System(server_directory, environment) as system:
        run = system.start("run", event="readthrough_is_ready")
        servers = servers_of(run.pid)

        for death in range(1, 6):
            process_of(run.pid, "rclone").kill()
            wait_until(lambda death=death: len(run.events("server_died")) == death, f"death {death} is noticed")

        assert run.wait() == 1
        lines = [line for line in run.log.read_text().splitlines() if line.startswith("readthrough run: ")]
        assert len(lines) == 1
        assert lines[0].startswith("readthrough run: object-store has died 5 times in a row: ")
        assert wait_until_gone(servers, timeout_s=0)


def modes_below(directory: Path) -> Mapping[str, str]:
    """What other accounts may do with each file and directory of a run, where it is more than nothing."""
    ours = (directory, *directory.rglob("*"))
    return {
        str(path): oct(mode)
        for path in ours
        if not path.is_symlink() and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077
    }


def way_of_postgresql(directory: Path) -> Mapping[str, str]:
    """The directories that the account of PostgreSQL, which does not run as root, must go through."""
    return {str(path): "0o710" for path in (directory, directory / "postgres") if os.geteuid() == 0}


def test_data_are_for_their_owner_alone(server_directory: Path, environment: Mapping[str, str]) -> None:
    data = Path(environment["DATA_DIR"])
    with System(server_directory, environment) as system:
        run = system.start("run", event="readthrough_is_ready")
        client = Client.of(run.wait_for("readthrough_is_ready")["url"])
        client.wait_for(client.submit("mine"), "completed")
        client.http.close()

        assert modes_below(data) == way_of_postgresql(data)
        assert run.stop() == 0


def test_data_that_an_older_release_left_open_are_closed_at_the_next_start(
    server_directory: Path, environment: Mapping[str, str]
) -> None:
    data = Path(environment["DATA_DIR"])
    with System(server_directory, environment) as system:
        assert system.start("run", event="readthrough_is_ready").stop() == 0
        for path in (data, data / "postgres", *(data / "object-store").rglob("*"), data / "object-store"):
            path.chmod(0o755 if path.is_dir() else 0o644)

        run = system.start("run", event="readthrough_is_ready")

        assert modes_below(data) == way_of_postgresql(data)
        assert run.stop() == 0


def test_a_directory_that_others_use_too_is_left_as_it_is(
    server_directory: Path, environment: Mapping[str, str]
) -> None:
    data = Path(environment["DATA_DIR"])
    data.mkdir()
    data.chmod(0o777)
    (data / "somebody-elses").touch(mode=0o666)
    with System(server_directory, environment) as system:
        assert system.start("run", event="readthrough_is_ready").stop() == 0

    assert stat.S_IMODE(data.stat().st_mode) == 0o777
    assert set(modes_below(data)) <= {str(data), str(data / "somebody-elses"), str(data / "postgres")}


# On a database that is given, which others may be at work on.


@pytest.fixture
def given(
    environment: Mapping[str, str], database_url: str, object_store_settings: ObjectStoreSettings
) -> Mapping[str, str]:
    """The variables of a run on the servers of the test."""
    return {**environment, **server_environment(database_url, object_store_settings, rabbitmq_url="")}


def test_the_jobs_of_living_workers_are_left_to_them(
    server_directory: Path, given: Mapping[str, str], stores: Stores
) -> None:
    theirs = claimed(stores)
    with System(server_directory, given) as system:
        run = system.start("run", event="readthrough_is_ready")

        assert job_of(stores, theirs).status == JobStatus.PROCESSING
        assert run.stop() == 0


def test_a_second_run_on_a_database_is_refused_until_the_first_has_ended(
    server_directory: Path, given: Mapping[str, str]
) -> None:
    with System(server_directory, given) as system:
        first = system.start("run", event="readthrough_is_ready")

        refused = system.run("run")

        assert refused.returncode == 1
        assert refused.stderr.startswith("readthrough run: another one is at work on this database: stop it, or ")
        assert refused.stderr.count("\n") == 1
        first.kill()
        second = system.start("run", event="readthrough_is_ready")
        assert second.stop() == 0, second.log.read_text()


def test_a_database_that_is_away_is_told_in_one_line(server_directory: Path, given: Mapping[str, str]) -> None:
    with System(server_directory, given) as system:
        told = system.run("run", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")

    assert told.returncode == 1
    assert told.stderr.startswith("readthrough run: the database cannot be reached: ")
    assert told.stderr.count("\n") == 1
