"""Statements that are built once, on a real PostgreSQL: their values, their errors, and connections that are lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import BigInteger, Engine, bindparam, func, select
from sqlalchemy.exc import DBAPIError

from storage import connection as connection_module
from storage.engine import make_engine, reading, transaction
from storage.errors import DatabaseUnavailable
from storage.prepared import Prepared, given
from storage.stages import ACTIVE
from storage.tables import jobs
from tests.integration.system import wait_until

SELECT_ONE = Prepared(select(1))
WHOSE = Prepared(select(func.pg_backend_pid()))


def test_values_are_given_by_name_and_come_back_as_they_were(engine: Engine) -> None:
    of_all_types = Prepared(
        select(
            given("id", jobs.c.id),
            given("params", jobs.c.input_params),
            given("text", jobs.c.provider),
            given("nothing", jobs.c.error_code),
            given("id", jobs.c.id).label("again"),
        )
    )
    job_id, params = uuid4(), {"turns": [{"text": "100 % 你好 %s"}], "none": None}

    with reading(engine) as connection:
        row = of_all_types.row(connection, id=job_id, params=params, text="' %(id)s")

    assert row == (job_id, params, "' %(id)s", None, job_id)


def test_what_the_statement_itself_holds_is_there_lists_too(engine: Engine) -> None:
    held = Prepared(select(bindparam("status", None, type_=jobs.c.status.type).in_(ACTIVE)))

    with reading(engine) as connection:
        assert held.row(connection, status="pending") == (True,)
        assert held.row(connection, status="failed") == (False,)


def test_a_value_that_is_asked_for_is_asked_for_each_time(engine: Engine) -> None:
    counted = iter(range(1, 9))
    asking = Prepared(select(bindparam(None, callable_=lambda: next(counted), type_=BigInteger)))

    with reading(engine) as connection:
        (first,) = asking.row(connection) or (0,)
        assert [asking.row(connection) for _ in range(2)] == [(first + 1,), (first + 2,)]


def test_a_statement_that_is_wrong_is_an_error_and_no_outage(engine: Engine) -> None:
    wrong = Prepared(select(func.no_such_function()))

    with pytest.raises(DBAPIError, match="no_such_function"), transaction(engine) as connection:
        wrong.row(connection)
    with reading(engine) as connection:
        assert SELECT_ONE.row(connection) == (1,)


@pytest.fixture
def own(database_url: str) -> Iterator[Engine]:
    """An engine whose connections a test may lose."""
    made = make_engine(database_url, pool_size=2)
    yield made
    made.dispose()


def end_sessions(administrator: Engine, *whose: Any) -> None:
    """End these sessions, and return when they are gone."""
    pids = [pid for (pid,) in whose]
    alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
    with administrator.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for pid in pids:
            connection.exec_driver_sql("SELECT pg_terminate_backend(%s)", (pid,))
        wait_until(lambda: not connection.exec_driver_sql(alive, (pids,)).scalar_one(), "the sessions are gone")


@pytest.mark.parametrize("begin", [reading, transaction])
def test_a_connection_that_is_lost_is_an_outage_once(begin: Any, own: Engine, engine: Engine) -> None:
    with reading(own) as first, reading(own) as second:
        pids = [WHOSE.row(first), WHOSE.row(second)]
    end_sessions(engine, *pids)

    # It was at work a moment ago, so nobody asks whether it is still there.
    with pytest.raises(DatabaseUnavailable), begin(own) as connection:
        SELECT_ONE.row(connection)
    # And with it the other one is known to be lost.
    with reading(own) as first, reading(own) as second:
        assert SELECT_ONE.row(first) == SELECT_ONE.row(second) == (1,)


def test_a_connection_that_was_idle_is_asked_first(
    own: Engine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reading(own) as connection:
        pid = WHOSE.row(connection)
    end_sessions(engine, pid)
    monkeypatch.setattr(connection_module, "PING_AFTER_IDLE_S", 0.0)

    with reading(own) as connection:
        assert SELECT_ONE.row(connection) == (1,)
