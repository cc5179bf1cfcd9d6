"""The connection to PostgreSQL: one place that says how long we wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

import structlog
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

#: Longest wait for a connection, from the server or from the pool. A request is answered with 503 after it.
CONNECT_TIMEOUT_S: Final = 2
#: Longest that one statement may run. Every statement of ours takes milliseconds.
STATEMENT_TIMEOUT_MS: Final = 10_000
#: Pause between two tries of a statement while the database is away.
_RETRY_PAUSE_S: Final = 0.5

log = structlog.get_logger()


def make_engine(database_url: str, *, pool_size: int = 10) -> Engine:
    """An engine that connects when it is first used, so that it may be made before a fork.

    `database_url`: a libpq URL, as `postgresql://user:password@host/database`.
    `pool_size`: connections at most; they are opened as they are needed, and kept.
    """
    return create_engine(
        make_url(database_url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_pre_ping=True,
        hide_parameters=True,  # what users wrote is not for the log
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
            # A peer that vanished without a word is noticed within seconds, not hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    )


def is_outage(error: Exception) -> bool:
    """Whether the database is away, rather than the statement wrong."""
    if isinstance(error, DBAPIError):
        return isinstance(error, OperationalError) or error.connection_invalidated
    return isinstance(error, PoolTimeoutError)


class Patient(Protocol):
    """Whoever has the patience to wait for the database."""

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
            except Exception as error:
                if not is_outage(error) or time.monotonic() >= give_up_at:
                    raise
                log.warning("database_unavailable", doing=method.__name__, error=repr(error))
                time.sleep(_RETRY_PAUSE_S)

    return outlasting
