"""`readthrough migrate`: brings the tables to the newest revision and makes the bucket. Run it before the others."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select

from storage.audio_store import AudioStore, AudioStoreError
from storage.engine import make_engine, reading
from storage.errors import DatabaseUnavailable
from storage.settings import DatabaseSettings, ObjectStoreSettings, read

_LOCK_NAME = "readthrough migrations"
#: A migration that waits for another asks so often whether it has ended.
_LOCK_POLL_S = 0.1


def migrate(database_url: str) -> None:
    """Bring the tables to the newest revision. Of two at once, the second waits and finds nothing to do.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = make_engine(database_url, pool_size=1, is_patient=True)
    try:
        with reading(engine) as connection, _alone(connection):
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


@contextmanager
def _alone(connection: Connection) -> Generator[None]:
    """Hold the lock of migrations, outside of any transaction."""
    # Asked for again and again: a statement that waits for the lock would hold a snapshot, for which the owner of the
    # lock, building an index beside whoever writes, would wait in turn.
    lock = func.hashtextextended(_LOCK_NAME, 0)
    while not connection.execute(select(func.pg_try_advisory_lock(lock))).scalar_one():
        connection.commit()
        time.sleep(_LOCK_POLL_S)
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(select(func.pg_advisory_unlock(lock)))
        connection.commit()


def main(argv: list[str]) -> int:
    """The command.

    Raises:
        SettingsError: the environment says something that cannot be meant.
    """
    argparse.ArgumentParser(
        prog="readthrough migrate", description="Bring the tables up to date, and make the bucket if there is none."
    ).parse_args(argv)
    database, object_store = read(DatabaseSettings), read(ObjectStoreSettings)
    try:
        migrate(database.database_url)
        AudioStore(object_store).ensure_bucket()
    except DatabaseUnavailable as error:
        sys.stderr.write(f"readthrough migrate: the database cannot be reached: {error}\n")
        return 1
    except AudioStoreError as error:
        sys.stderr.write(f"readthrough migrate: bucket {object_store.s3_bucket}: {error}\n")
        return 1
    return 0
