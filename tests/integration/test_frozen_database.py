"""A PostgreSQL that is frozen, not dead: it takes connections and answers nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from embedded.postgres import SETTINGS_OF_A_TEST, Postgres
from storage.engine import make_engine, reading, transaction
from storage.errors import DatabaseUnavailable
from storage.migrate import migrate
from storage.settings import ObjectStoreSettings
from tests.integration.system import System, server_environment, wait_until
from tests.service_api import SCRIPT, running_api

#: What is promised, whatever the database does: an answer, and whether the process is ready.
ANSWER_S = 5.0
READY_S = 3.0
#: What the machine's other work may add, where many ask at once.
SLACK_S = 2.0
#: Callers at once: more than any process has threads.
CALLERS = 60


@pytest.fixture(scope="module")
def server(session_directory: Path) -> Iterator[Postgres]:
    """One that may be frozen: nobody else is on it."""
    with Postgres(session_directory / "postgres-to-freeze", settings=SETTINGS_OF_A_TEST) as postgres:
        migrate(postgres.url)
        yield postgres


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    """All its processes stand still."""
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.resume()


@pytest.mark.parametrize("when", ["before it connects", "while it rests in the pool", "in a transaction"])
def test_whatever_is_done_with_a_frozen_database_it_is_away_within_five_seconds(server: Postgres, when: str) -> None:
    engine = make_engine(server.url)
    if when == "while it rests in the pool":
        with reading(engine) as connection:
            connection.exec_driver_sql("SELECT 1")

    def work(freezing: ExitStack) -> None:
        if when != "in a transaction":
            freezing.enter_context(frozen(server))
        with transaction(engine) as connection:
            connection.exec_driver_sql("SELECT 1")
            freezing.enter_context(frozen(server))
            connection.exec_driver_sql("SELECT 2")

    with ExitStack() as freezing:
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            work(freezing)
        took_s = time.monotonic() - began
    assert took_s < ANSWER_S
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT 3").scalar_one() == 3
    engine.dispose()


def test_a_crowd_is_told_as_quickly_as_one(server: Postgres) -> None:
    """With few connections and many callers, one after the other would wait for as long as it may."""
    engine = make_engine(server.url, pool_size=2)

    def ask(_: int) -> None:
        with pytest.raises(DatabaseUnavailable), reading(engine):
            pass

    with frozen(server), ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        list(pool.map(ask, range(CALLERS)))
        took_s = time.monotonic() - began
    assert took_s < ANSWER_S + SLACK_S
    engine.dispose()


def test_a_crowd_of_requests_is_answered_ready_stands_apart_and_all_is_well_again(
    server: Postgres, object_store_settings: ObjectStoreSettings
) -> None:
    with running_api(server.url, object_store_settings, behind_socket=True) as api:
        job_id = api.submit()
        asked = [("POST", "/jobs", SCRIPT), ("GET", "/jobs", None), ("GET", f"/jobs/{job_id}", None)]

        def ask(number: int) -> tuple[int, float]:
            method, path, body = asked[number % len(asked)]
            answer = api.client.request(method, f"/api/v1{path}", json=body)
            return answer.status_code, answer.elapsed.total_seconds()

        with frozen(server), ThreadPoolExecutor(CALLERS) as pool:
            answering = [pool.submit(ask, number) for number in range(CALLERS)]
            readies = [api.client.get("/health/ready") for _ in range(2)]
            answers = [one.result() for one in answering]

        assert {status for status, _ in answers} == {503}
        assert max(took_s for _, took_s in answers) < ANSWER_S + SLACK_S
        for answer in readies:
            assert (answer.status_code, answer.json()["details"]) == (503, {"unavailable": ["database"]})
            assert answer.elapsed.total_seconds() < READY_S + SLACK_S
        wait_until(lambda: api.client.get("/health/ready").status_code == 200, "it is ready again")
        assert api.client.get(f"/api/v1/jobs/{job_id}").json()["status"] == "pending"


def test_every_process_stops_in_order_and_no_sweep_hangs(
    server_directory: Path, server: Postgres, object_store_settings: ObjectStoreSettings, rabbitmq_url: str
) -> None:
    servers = server_environment(server.url, object_store_settings, rabbitmq_url)
    with System(server_directory, {**servers, "PORT": "0", "GRACE_PERIOD_S": "2"}) as system:
        processes = {name: system.begin(name) for name in ("api", "worker", "scheduler")}
        for name, process in processes.items():
            process.wait_for(f"{name}_started", timeout_s=90)

        def failed(sweep: str) -> int:
            return sum(event["sweep"] == sweep for event in processes["scheduler"].events("sweep_failed"))

        with frozen(server):
            for sweep in ("dispatch", "dead_workers", "time_out"):
                wait_until(lambda sweep=sweep: failed(sweep) >= 2, f"{sweep} tries again", timeout_s=6 * ANSWER_S)
            for process in processes.values():
                process.send(signal.SIGTERM)
            codes = [process.wait(20) for process in processes.values()]

    assert codes == [0, 0, 0]
