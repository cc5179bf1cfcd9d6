"""The connection to PostgreSQL: one place that says how long we wait for it."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, make_url

#: Longest wait for a connection, from the server or from the pool. A request is answered with 503 after it.
CONNECT_TIMEOUT_S = 2
#: Longest that one statement may run. Every statement of ours takes milliseconds.
STATEMENT_TIMEOUT_MS = 10_000


def make_engine(database_url: str, *, pool_size: int = 10) -> Engine:
    """An engine that connects when it is first used, so that it may be made before a fork.

    `database_url`: a libpq URL, as `postgresql://user:password@host/database`.
    `pool_size`: connections kept; as many again may be opened under load.
    """
    return create_engine(
        make_url(database_url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_pre_ping=True,
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
