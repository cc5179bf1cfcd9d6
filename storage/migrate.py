"""`readthrough migrate`: brings the tables to the newest revision and makes the bucket. Run it before the others."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import func, select

from storage.audio_store import AudioStore, AudioStoreError
from storage.engine import make_engine, transaction
from storage.errors import DatabaseUnavailable
from storage.settings import DatabaseSettings, ObjectStoreSettings, read

_LOCK_NAME = "readthrough migrations"


def migrate(database_url: str) -> None:
    """Bring the tables to the newest revision. Of two at once, the second waits and finds nothing to do.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            # A migration may take its time; the limit of ordinary statements does not hold for it.
            connection.execute(select(func.set_config("statement_timeout", "0", True)))
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_LOCK_NAME, 0))))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


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
