"""The engines over PostgreSQL, what it means that it is away, and how an outage is waited out.

How long one answer is waited for is in `connection.py`.

Every store begins its work with `reading` or `transaction`. They alone translate SQLAlchemy's errors, so that nobody
outside storage knows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage.connection import CONNECT_TIMEOUT_S, SERVER_TIMEOUTS, bound
from storage.errors import DatabaseUnavailable

#: Longest wait for a connection of the pool.
POOL_TIMEOUT_S: Final = 2
#: Pause between two tries of a statement while the database is away.
_RETRY_PAUSE_S: Final = 0.5

#: A server that answers, and yet is not the one to talk to: a standby after a failover (`read_only_sql_transaction`),
#: or one that has ended our transaction or session. The next connection may be to the right one.
_WRONG_SERVER: Final = frozenset({"25006", "25P03", "57P05"})

log = structlog.get_logger()


def make_engine(database_url: str, *, pool_size: int = 10, is_patient: bool = False) -> Engine:
    """An engine that connects when it is first used, so that it may be made before a fork.

    `database_url`: a libpq URL, as `postgresql://user:password@host/database`.
    `pool_size`: connections at most; they are opened as they are needed, and kept.
    `is_patient`: statements may take as long as they like, as those of migrations do.
    """
    engine = create_engine(
        make_url(database_url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,
        hide_parameters=True,  # what users wrote is not for the log
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": "" if is_patient else SERVER_TIMEOUTS,
            # A peer that vanished without a word is noticed within seconds, not hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    )
    if not is_patient:
        bound(engine)
    event.listen(engine, "handle_error", _hang_up_on_the_wrong_server)
    return engine


@contextmanager
def transaction(engine: Engine) -> Generator[Connection]:
    """A transaction: committed at the end of the block, rolled back when the block raises.

    Raises:
        DatabaseUnavailable: the database is away, or takes no writes. The commit may have been done all the same.
    """
    with _translated(), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """A connection for statements that change nothing. Each is a transaction of its own: nothing is said around it.

    Raises:
        DatabaseUnavailable: the database is away.
    """
    with _translated(), engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


def require_writable(connection: Connection) -> None:
    """Go on only with a server that takes writes.

    Raises:
        DatabaseUnavailable: it is a standby, or was told to take none.
    """
    if connection.execute(select(func.current_setting("transaction_read_only"))).scalar_one() == "on":
        connection.invalidate()  # the next one may be to the server that has taken over
        raise DatabaseUnavailable("the server takes no writes")


def is_outage(error: BaseException) -> bool:
    """Whether an error of SQLAlchemy means that the database is away, rather than the statement wrong."""
    if isinstance(error, DBAPIError):
        return isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated
    return isinstance(error, PoolTimeoutError)


def _hang_up_on_the_wrong_server(context: ExceptionContext) -> None:
    """Have SQLAlchemy close all connections of the pool, as it does when one is lost."""
    if getattr(context.original_exception, "sqlstate", None) in _WRONG_SERVER:
        context.is_disconnect = True


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        if not is_outage(error):
            raise
        raise DatabaseUnavailable(str(getattr(error, "orig", None) or error)) from error


class Patient(Protocol):
    """An object that has the patience to wait for the database."""

    @property
    def patience_s(self) -> float:
        """An outage that is shorter is waited out."""
        ...


P = ParamSpec("P")
R = TypeVar("R")
Self = TypeVar("Self", bound=Patient)


def outlasting_outages(
    method: Callable[Concatenate[Self, P], R],
) -> Callable[Concatenate[Self, P], R]:
    """Repeat a method while the database is away, as long as its owner's patience lasts.

    The answer to a commit can be lost on the way although the commit was done, so the method must be one that may
    be done twice.
    """

    @wraps(method)
    def outlasting(self: Self, *args: P.args, **kwargs: P.kwargs) -> R:
        give_up_at = time.monotonic() + self.patience_s
        while True:
            try:
                return method(self, *args, **kwargs)
            except DatabaseUnavailable as error:
                if time.monotonic() >= give_up_at:
                    raise
                log.warning("database_unavailable", doing=method.__name__, error=str(error))
                time.sleep(_RETRY_PAUSE_S)

    return outlasting
