"""`readthrough run`: everything in one process, and what becomes of its servers and its jobs however it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psutil
import pytest

from embedded.processes import end_process_tree, wait_until_gone
from tests.integration.system import READTHROUGH, Client, System, wait_until
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
