"""PostgreSQL: the truth, and so the worst to lose."""

from __future__ import annotations

import random
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import psutil
import psycopg

from tests.chaos import database
from tests.chaos.cluster import Cluster
from tests.chaos.faults.kind import NotInjected, frozen

_A_WHILE_S: Final = (2.0, 8.0)
#: What the sessions of the faults call themselves.
_NAME: Final = "chaos"
_SESSIONS: Final = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> %s"


def postgres_killed(cluster: Cluster, dice: random.Random) -> None:
    """kill -9 of all its processes. Healed: it is started again, and recovers."""
    postgres = cluster.ground.postgres
    postgres.kill()
    cluster.let_pass(dice.uniform(0.2, 4))
    postgres.start()


def postgres_frozen(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP of all its processes for seconds: it accepts, and does not answer. Healed: they go on."""
    with frozen(cluster.ground.postgres.pid):
        cluster.let_pass(dice.uniform(1, 8))


def postgres_connections_dropped(cluster: Cluster, dice: random.Random) -> None:
    """An operator ends every session. Healed: whoever needs a connection makes a new one."""
    with _administrator(cluster) as connection:
        _drop_sessions(connection)


def postgres_backend_killed(cluster: Cluster, dice: random.Random) -> None:
    """kill -9 of one of its processes. Healed: it ends all the others, and recovers by itself."""
    with _administrator(cluster) as connection:
        sessions = connection.execute(_SESSIONS, [_NAME]).fetchall()
    if not sessions:
        raise NotInjected
    (pid,) = dice.choice(sessions)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).kill()


def postgres_restarted(cluster: Cluster, dice: random.Random) -> None:
    """Stopped in order, as at an upgrade: transactions are rolled back. Healed: it is started again."""
    postgres = cluster.ground.postgres
    postgres.stop()
    cluster.let_pass(dice.uniform(0.2, 4))
    postgres.start()


def postgres_takes_no_writes(cluster: Cluster, dice: random.Random) -> None:
    """It reads, and refuses to write, as a standby does after a failover. Healed: it takes them again."""
    with _administrator(cluster) as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
        try:
            cluster.let_pass(dice.uniform(*_A_WHILE_S))
        finally:
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")


def postgres_out_of_connections(cluster: Cluster, dice: random.Random) -> None:
    """Somebody holds every connection that there is, also those that were ours. Healed: they are given back."""
    with ExitStack() as held:
        administrator = held.enter_context(_administrator(cluster))
        _hold_all(cluster, held)
        _drop_sessions(administrator)
        ends_at = time.monotonic() + dice.uniform(*_A_WHILE_S)
        while time.monotonic() < ends_at and not cluster.let_pass(0.1):
            _hold_all(cluster, held)


def postgres_disk_full(cluster: Cluster, dice: random.Random) -> None:
    """Inserts are refused, and every second update. Healed: there is room again."""
    with _administrator(cluster) as connection, database.full_disk(connection):
        cluster.let_pass(dice.uniform(*_A_WHILE_S))


def postgres_table_locked(cluster: Cluster, dice: random.Random) -> None:
    """Somebody's migration holds the table of jobs, even from those who read. Healed: it lets go."""
    with _administrator(cluster) as connection, connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '5s'")
        try:
            connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        except psycopg.errors.LockNotAvailable as error:
            raise NotInjected from error
        cluster.let_pass(dice.uniform(*_A_WHILE_S))


def postgres_clock_goes_an_hour_ahead(cluster: Cluster, dice: random.Random) -> None:
    """Its clock was wrong and is set right. Nothing is to be healed: from now on it is an hour later."""
    with _administrator(cluster) as connection:
        database.step_clock(connection, hours=1)


def postgres_clock_goes_an_hour_back(cluster: Cluster, dice: random.Random) -> None:
    """Its clock was wrong and is set right. Nothing is to be healed: from now on it is an hour earlier."""
    with _administrator(cluster) as connection:
        database.step_clock(connection, hours=-1)


def _drop_sessions(administrator: psycopg.Connection) -> None:
    for (pid,) in administrator.execute(_SESSIONS, [_NAME]).fetchall():
        administrator.execute("SELECT pg_terminate_backend(%s)", [pid])


def _hold_all(cluster: Cluster, held: ExitStack) -> None:
    """Connect until the server says that it has no connection left."""
    with suppress(NotInjected):
        while True:
            held.enter_context(_administrator(cluster))


@contextmanager
def _administrator(cluster: Cluster) -> Generator[psycopg.Connection]:
    """A session that commits each statement by itself. Raises NotInjected where there is none to be had."""
    try:
        connection = psycopg.connect(
            cluster.ground.database_url,
            autocommit=True,
            connect_timeout=5,
            application_name=_NAME,
            # It heals what takes no writes.
            options="-c default_transaction_read_only=off",
        )
    except psycopg.OperationalError as error:
        raise NotInjected from error
    with connection:
        yield connection
