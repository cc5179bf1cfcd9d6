"""The wire to PostgreSQL: how long an answer is waited for, on the server's side and on ours.

The server ends what takes too long, or waits too long for a lock. A server that is frozen ends nothing, and its machine
goes on acknowledging what we send, so that no timeout of TCP notices. So we count the seconds ourselves, too.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import Any, Final, Protocol, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout
from sqlalchemy import Engine, PoolProxiedConnection, event
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.pool import ConnectionPoolEntry

#: Longest wait for a connection to be opened. libpq takes no less.
CONNECT_TIMEOUT_S: Final = 2
#: Longest that one statement may take, with all that it waits for. Every statement of ours takes milliseconds.
STATEMENT_TIMEOUT_MS: Final = 4_000
#: A transaction in which nothing happens for so long is ended, and its locks are free: its process is frozen, or its
#: machine is gone.
IDLE_IN_TRANSACTION_TIMEOUT_MS: Final = 5_000
#: A server that has not answered by then is frozen, or cannot be reached: by itself it would have given up before.
ANSWER_TIMEOUT_S: Final = 4.5
#: The same for a connection that comes out of the pool, which is asked whether it is still there.
PING_TIMEOUT_S: Final = 1.0

#: A connection that was used so lately is not asked: whoever uses it next finds out as well.
PING_AFTER_IDLE_S: Final = 1.0

#: What a server is told to end by itself.
SERVER_TIMEOUTS: Final = " ".join(
    f"-c {name}={limit_ms}"
    for name, limit_ms in {
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
    }.items()
)

T = TypeVar("T")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that closes itself when the server does not answer."""

    #: Longest wait for an answer, in seconds.
    answer_timeout_s: float = ANSWER_TIMEOUT_S
    #: When it came back into the pool, by the monotonic clock.
    idle_since: float = 0.0

    @property
    def idle_s(self) -> float:
        """How long it has been in the pool."""
        return time.monotonic() - self.idle_since

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """The answer: psycopg waits for every one of them here.

        Raises:
            OperationalError: there was none in time, or the connection is lost. It is closed.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_timeout_s)
        except psycopg.OperationalError:
            self.close()  # what comes after all would be taken for the answer to the next statement
            raise


class _Door:
    """Opens the connections of an engine. While the server is mute one caller tries, and the others hear it at once.

    Without that, many callers would wait in turn, each for as long as it may.
    """

    def __init__(self) -> None:
        self._is_mute = False
        self._trying = Lock()

    def __call__(
        self, _dialect: Dialect, _entry: ConnectionPoolEntry, arguments: list[Any], options: dict[str, Any]
    ) -> BoundedConnection:
        if not self._is_mute:
            return self._open(arguments, options)
        if not self._trying.acquire(blocking=False):
            raise psycopg.OperationalError("the server did not answer a moment ago")
        try:
            return self._open(arguments, options)
        finally:
            self._trying.release()

    def _open(self, arguments: list[Any], options: dict[str, Any]) -> BoundedConnection:
        try:
            connection = BoundedConnection.connect(*arguments, **options)
        except ConnectionTimeout:
            self._is_mute = True
            raise
        self._is_mute = False
        return connection


def bound(engine: Engine) -> None:
    """Have an engine wait for no answer longer than is allowed."""
    engine.dialect.do_ping = _asked_if_idle(engine.dialect.do_ping)
    event.listen(engine, "do_connect", _Door())
    event.listen(engine, "checkin", _is_in_the_pool)
    event.listen(engine, "checkout", _is_at_work)


class _Asks(Protocol):
    """Asks a connection whether it is still there."""

    def __call__(self, dbapi_connection: DBAPIConnection) -> bool: ...


def _asked_if_idle(ask: _Asks) -> _Asks:
    """Whether a connection that comes out of the pool is still there: one that was at work a moment ago is."""

    def is_there(dbapi_connection: DBAPIConnection) -> bool:
        connection: object = dbapi_connection
        was_at_work = isinstance(connection, BoundedConnection) and connection.idle_s < PING_AFTER_IDLE_S
        return was_at_work or ask(dbapi_connection)

    return is_there


def _is_in_the_pool(connection: DBAPIConnection | None, _entry: ConnectionPoolEntry) -> None:
    # The next thing that it is asked is whether it is still there.
    if isinstance(connection, BoundedConnection):
        connection.answer_timeout_s = PING_TIMEOUT_S
        connection.idle_since = time.monotonic()


def _is_at_work(connection: DBAPIConnection, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    if isinstance(connection, BoundedConnection):
        connection.answer_timeout_s = ANSWER_TIMEOUT_S
