"""The audit: a trigger that writes down every move of every job, and refuses the ones that are not in `TRANSITIONS`.

It is made of the same table that the documents draw, and lives in test databases alone. A statement that makes an
illegal move fails, whoever sent it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Engine, text

from storage.stages import TRANSITIONS, JobStatus, Stage

Place = tuple[JobStatus, Stage]

#: Where every job begins.
BIRTH: Final[Place] = (JobStatus.PENDING, Stage.QUEUED)
#: How a place that is none is written: before the birth of a job, and after its row is deleted.
_NOWHERE: Final = ""

_TABLES: Final = """
CREATE TABLE legal_moves (before text, after text, PRIMARY KEY (before, after));
CREATE TABLE moves (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id uuid NOT NULL, before text NOT NULL, after text NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE INDEX moves_of_job ON moves (job_id);
"""

_TRIGGER: Final = """
CREATE FUNCTION audit_move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place_before text := coalesce(OLD.status || ' ' || OLD.stage, '');
    place_after text := coalesce(NEW.status || ' ' || NEW.stage, '');
    -- What the row of an ended job forgets when its audio goes, and when the job that it came from goes.
    forgotten text[] := ARRAY['audio_file_id', 'resubmitted_from', 'revised_from'];
BEGIN
    IF place_before = place_after AND OLD.stage <> 'done' THEN
        RETURN NEW;  -- it beats, or is published, or counts its turns: it has not moved
    END IF;
    IF place_before = place_after AND to_jsonb(NEW) - forgotten = to_jsonb(OLD) - forgotten THEN
        RETURN NEW;  -- an ended job never changes again but so
    END IF;
    IF NOT EXISTS (SELECT FROM legal_moves WHERE before = place_before AND after = place_after) THEN
        RAISE EXCEPTION 'illegal move of job %: from "%" to "%"', coalesce(NEW.id, OLD.id), place_before, place_after;
    END IF;
    INSERT INTO moves (job_id, before, after) VALUES (coalesce(NEW.id, OLD.id), place_before, place_after);
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER audit BEFORE INSERT OR UPDATE OR DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION audit_move();
"""


class Move(NamedTuple):
    """A change of place. `before` is None for the birth of a job, `after` for its deletion."""

    before: Place | None
    after: Place | None


def legal_moves() -> Sequence[Move]:
    """Birth, the transitions, and the deletion of what has ended."""
    moves = [Move(before, after) for before, afters in TRANSITIONS.items() for after in sorted(afters)]
    ended = [place for place, afters in TRANSITIONS.items() if not afters]
    return [Move(None, BIRTH), *moves, *(Move(place, None) for place in ended)]


def install(engine: Engine) -> None:
    """Watch the jobs of this database from now on."""
    with engine.begin() as connection:
        connection.execute(text(_TABLES))
        connection.execute(
            text("INSERT INTO legal_moves VALUES (:before, :after)"),
            [{"before": _written(move.before), "after": _written(move.after)} for move in legal_moves()],
        )
        connection.execute(text(_TRIGGER))


def moves_of(engine: Engine, job_id: UUID) -> Sequence[Move]:
    """Every move of a job, in order."""
    query = text("SELECT before, after FROM moves WHERE job_id = :job_id ORDER BY number")
    with engine.connect() as connection:
        return [Move(_read(row.before), _read(row.after)) for row in connection.execute(query, {"job_id": job_id})]


def count_moves(engine: Engine) -> int:
    """How many moves the audit has seen, and found legal."""
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM moves")).scalar_one()


def _written(place: Place | None) -> str:
    return _NOWHERE if place is None else f"{place[0]} {place[1]}"


def _read(written: str) -> Place | None:
    if written == _NOWHERE:
        return None
    status, stage = written.split()
    return JobStatus(status), Stage(stage)
