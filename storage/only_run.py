"""One run a database: a `readthrough run` whose messages are in its own memory works alone of its kind."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy import func, select

from storage.engine import make_engine, reading

_LOCK_NAME: Final = "readthrough run"
#: How soon PostgreSQL notices that the machine of a run has gone without a word, and lets the next one in, in seconds.
_SERVER_KEEPALIVES: Final[Mapping[str, str]] = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


class AnotherRun(Exception):
    """Another `readthrough run` is at work on the database."""


@contextmanager
def only_run(database_url: str) -> Generator[None]:
    """Be the only run on the database for as long as the block runs, by a lock that a session of its own holds.

    What it can get wrong: an outage of the database ends the session, and a second run is let in. Nothing is lost or
    done twice by that, since a job is claimed by one of them.

    Raises:
        AnotherRun: another one holds the lock.
        DatabaseUnavailable: the database cannot be reached.
    """
    engine = make_engine(database_url, pool_size=1)
    try:
        with reading(engine) as connection:
            for name, value in _SERVER_KEEPALIVES.items():
                connection.execute(select(func.set_config(name, value, False)))
            lock = func.hashtextextended(_LOCK_NAME, 0)
            is_ours = connection.execute(select(func.pg_try_advisory_lock(lock))).scalar_one()
            connection.commit()  # an open transaction would hold up vacuum for as long
            if not is_ours:
                raise AnotherRun
            try:
                yield
            finally:
                connection.invalidate()  # ends the session, if an outage has not
    finally:
        engine.dispose()
