"""The migrations: they lead to the tables as SQLAlchemy sees them, from wherever they begin."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config

import storage
from embedded.postgres import Postgres
from storage import tables
from storage.engine import make_engine
from storage.migrate import migrate

#: All that a schema promises, in PostgreSQL's own words.
PROMISES = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default, character_maximum_length"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
)


def promises(database_url: str) -> list[set[tuple[object, ...]]]:
    with psycopg.connect(database_url) as connection:
        return [{row for row in connection.execute(query.encode()) if "alembic" not in str(row)} for query in PROMISES]


@pytest.fixture
def empty_database(database_url: str, postgres_server: Postgres) -> str:
    """A database in which nothing is."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return database_url


def test_the_migrations_make_the_tables_that_the_code_believes_in(empty_database: str) -> None:
    engine = make_engine(empty_database, pool_size=1)
    tables.metadata.create_all(engine)
    engine.dispose()
    believed = promises(empty_database)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")

    migrate(empty_database)

    assert promises(empty_database) == believed


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    before = promises(database_url)

    migrate(database_url)

    assert promises(database_url) == before


def test_rows_of_the_first_revision_come_along(empty_database: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    engine = make_engine(empty_database, pool_size=1)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with psycopg.connect(empty_database, autocommit=True) as connection:
        # Two workers at the same words, which the first revision allowed.
        for number, state in enumerate(("uploading", "uploading", "stored", "expired")):
            connection.execute(
                "INSERT INTO segments (id, user_id, digest, object_key, state) SELECT gen_random_uuid(), id, %s, %s, %s"
                " FROM users",
                (b"d", str(number), state),
            )

    migrate(empty_database)

    with psycopg.connect(empty_database) as connection:
        states = connection.execute("SELECT state FROM segments ORDER BY object_key").fetchall()
    assert [state for (state,) in states] == ["abandoned", "abandoned", "stored", "expired"]
