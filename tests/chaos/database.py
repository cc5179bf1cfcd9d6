"""What the database of a chaos run can be told beside its work: to step its clock, and that its disk is full.

The clock: functions with the names of PostgreSQL's own come before them in the search path, so that every statement
that asks for the time is told the stepped one, in all sessions at once. The server's timeouts, and the audit, keep to
the machine's clock. (libfaketime would have to be on the machine, and be preloaded into the server from its start; and
it steps each of the server's processes when that looks next.)

The disk: a trigger answers as PostgreSQL does when a file cannot grow. An insert needs room; an update may find some in
its page. (A disk on which the log has no room either ends the server at once: that is another fault, a kill.)
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy import Engine, text

_CLOCKS: Final = {"now": "STABLE", "statement_timestamp": "STABLE", "clock_timestamp": "VOLATILE"}
#: What our processes write to in the course of a job.
_TABLES: Final = ("jobs", "job_turns", "segments", "audio_files")

_SCHEMA: Final = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.told (clock_ahead interval NOT NULL, disk_is_full boolean NOT NULL);
INSERT INTO chaos.told VALUES ('0', false);
CREATE FUNCTION chaos.want_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT disk_is_full FROM chaos.told) AND (TG_OP = 'INSERT' OR random() < 0.5) THEN
        RAISE EXCEPTION 'could not extend file: No space left on device'
            USING ERRCODE = 'disk_full', HINT = 'Check free disk space.';
    END IF;
    RETURN NULL;
END $$;
"""

_CLOCK: Final = """
CREATE FUNCTION chaos.{name}() RETURNS timestamptz {kind} LANGUAGE sql
    AS 'SELECT pg_catalog.{name}() + clock_ahead FROM chaos.told';
"""

_DISK: Final = """
CREATE TRIGGER want_room BEFORE INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION chaos.want_room();
"""

#: New sessions ask our clock first. Defaults of columns were bound to PostgreSQL's own when they were made.
_FIRST: Final = """
DO $$
DECLARE
    of_column record;
BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = chaos, pg_catalog, public', current_database());
    FOR of_column IN
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_default = 'now()'
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER %I SET DEFAULT chaos.now()', of_column.table_name, of_column.column_name);
    END LOOP;
END $$;
"""


def install(engine: Engine) -> None:
    """Make it possible. Sessions that were there before keep to the clock of the machine."""
    clocks = [_CLOCK.format(name=name, kind=kind) for name, kind in _CLOCKS.items()]
    disks = [_DISK.format(table=table) for table in _TABLES]
    with engine.begin() as connection:
        for statement in (_SCHEMA, *clocks, *disks, _FIRST):
            connection.execute(text(statement))


def step_clock(connection: psycopg.Connection, hours: int) -> None:
    """Set the clock forward, or back."""
    connection.execute("UPDATE chaos.told SET clock_ahead = clock_ahead + make_interval(hours => %s)", [hours])


@contextmanager
def full_disk(connection: psycopg.Connection) -> Generator[None]:
    """There is no room for as long as the block runs."""
    told = sql.SQL("UPDATE chaos.told SET disk_is_full = {}")
    connection.execute(told.format(True))
    try:
        yield
    finally:
        connection.execute(told.format(False))
