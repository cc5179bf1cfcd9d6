"""What counts as an outage of PostgreSQL, and that nobody above storage hears of it in another word."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, ProgrammingError

from embedded.object_store import ObjectStore
from embedded.postgres import Postgres
from scheduler import sweeps
from storage.engine import POOL_TIMEOUT_S, make_engine, reading, transaction
from storage.errors import DatabaseUnavailable
from storage.jobs import LOCAL_USER_ID
from storage.stages import JobStatus, Stage
from storage.stores import Stores
from tests.integration.conftest import claimed, job_of
from tests.integration.system import wait_until
from tests.samples import script
from tests.service_api import SCRIPT, running_api, settings_of

#: What a server answers that cannot serve us now. https://www.postgresql.org/docs/18/errcodes-appendix.html
AWAY = {
    "08006": "connection failure",
    "25006": "read-only: a standby after a failover",
    "25P03": "our transaction was idle for too long",
    "53100": "disk full",
    "53300": "too many connections",
    "57014": "the statement took too long",
    "57P01": "an administrator's shutdown",
    "57P02": "a crash's shutdown",
    "57P03": "it is starting, or recovering",
    "57P05": "our session was idle for too long",
}


class ReadOnly:
    """A database whose connections find themselves on a server that takes no writes, until it is over.

    Those that were made meanwhile stay on it even then, as those to a standby do.
    """

    def __init__(self, server: Postgres, database_url: str) -> None:
        self._server = server
        with psycopg.connect(database_url) as connection:
            self._name = connection.info.dbname

    def begin(self) -> None:
        self._administer("ALTER DATABASE {} SET default_transaction_read_only = on")
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self._name,)
            )

    def end(self) -> None:
        self._administer("ALTER DATABASE {} RESET default_transaction_read_only")

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self._name)))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def failover(postgres_server: Postgres, database_url: str) -> ReadOnly:
    return ReadOnly(postgres_server, database_url)


@pytest.mark.parametrize("sqlstate", AWAY, ids=AWAY.values())
def test_what_a_server_says_that_cannot_serve_us_is_an_outage(engine: Engine, sqlstate: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="not now"), transaction(engine) as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{sqlstate}'; END $$")


def connect(_database_url: str) -> None:
    with transaction(make_engine("postgresql://nobody@127.0.0.1:1/nothing")):
        pass


def work(database_url: str) -> None:
    with transaction(make_engine(database_url)) as connection:
        connection.exec_driver_sql("SELECT 1")
        end_connections(database_url)
        connection.exec_driver_sql("SELECT 2")


def commit(database_url: str) -> None:
    with transaction(make_engine(database_url)) as connection:
        connection.exec_driver_sql("SELECT 1")
        end_connections(database_url)


def end_connections(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("do", [connect, work, commit])
def test_a_connection_that_ends_is_an_outage_whatever_it_was_doing(
    database_url: str, do: Callable[[str], None]
) -> None:
    with pytest.raises(DatabaseUnavailable):
        do(database_url)


def test_no_free_connection_is_an_outage_after_a_short_wait(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    with reading(engine), pytest.raises(DatabaseUnavailable, match=f"{POOL_TIMEOUT_S}"), reading(engine):
        pass
    engine.dispose()


def test_a_wrong_statement_is_a_defect_and_no_outage(engine: Engine) -> None:
    with pytest.raises(ProgrammingError), reading(engine) as connection:
        connection.exec_driver_sql("SELECT nonsense")
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.exec_driver_sql("INSERT INTO users SELECT * FROM users")


def test_what_the_block_raises_goes_through_and_rolls_back(engine: Engine) -> None:
    def delete_users() -> None:
        with transaction(engine) as connection:
            connection.exec_driver_sql("DELETE FROM users")
            raise KeyError

    with pytest.raises(KeyError):
        delete_users()
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM users").scalar_one() == 1


def test_a_run_outlasts_a_failover_to_a_server_that_cannot_be_written_yet(stores: Stores, failover: ReadOnly) -> None:
    claim = claimed(stores)
    failover.begin()
    writing = threading.Thread(target=stores.runs.hand_over, args=(claim,))
    writing.start()
    with pytest.raises(DatabaseUnavailable):
        stores.jobs.submit(LOCAL_USER_ID, script())
    failover.end()
    writing.join()

    assert job_of(stores, claim).stage == Stage.ASSEMBLING


def test_no_job_is_taken_for_dead_because_nobody_could_write(stores: Stores, failover: ReadOnly) -> None:
    """The workers live, but cannot beat: what was seen of them while the server took no writes proves nothing."""
    claim = claimed(stores)
    now = 1000.0
    dead_workers = sweeps.DeadWorkers(lambda: now)
    dead_workers(stores)
    failover.begin()
    for _ in range(20):
        now += 2
        with pytest.raises(DatabaseUnavailable):
            dead_workers(stores)
    failover.end()

    now += 2
    # Its connections are to the server that was read-only until it is found out.
    wait_until(lambda: _can_be_written(stores), "the pool connects anew")
    assert dead_workers(stores) == 0
    assert job_of(stores, claim).status == JobStatus.PROCESSING


def _can_be_written(stores: Stores) -> bool:
    try:
        stores.jobs.check()
    except DatabaseUnavailable:
        return False
    return True


def test_while_it_cannot_be_written_the_api_says_503_and_can_still_be_read(
    database_url: str, object_store: ObjectStore, bucket: str, failover: ReadOnly
) -> None:
    with running_api(database_url, settings_of(object_store, bucket)) as api:
        job_id = api.submit()
        assert api.client.get("/health/ready").status_code == 200
        failover.begin()

        submitted, ready = api.client.post("/api/v1/jobs", json=SCRIPT), api.client.get("/health/ready")
        assert (submitted.status_code, ready.status_code) == (503, 503)
        assert ready.json()["details"] == submitted.json()["details"] == {"unavailable": ["database"]}
        assert api.client.get(f"/api/v1/jobs/{job_id}").status_code == 200

        failover.end()
        wait_until(lambda: api.client.get("/health/ready").status_code == 200, "it is ready again")
        # A connection of before is found out by the first that writes through it.
        wait_until(lambda: api.client.post("/api/v1/jobs", json=SCRIPT).status_code == 201, "a job is accepted again")
