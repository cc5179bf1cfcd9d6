"""A PostgreSQL and an S3 server that hold as much as a service of some years: rows by the million, and their objects.

Rows are made by the database itself, objects are written straight into the directory that the S3 server serves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg

from embedded.object_store import ObjectStore
from embedded.postgres import Postgres
from storage.migrate import migrate
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings
from storage.stores import Stores

BUCKET: Final = "readthrough"
#: A user whose jobs are half of all, and one who has a thousand.
GREAT_USER: Final = UUID(int=0xA)
SMALL_USER: Final = UUID(int=0xB)
SMALL_USERS_JOBS: Final = 1000


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is. `expired`, of the jobs, have had their time; `unused`, of the segments, too."""

    jobs: int = 1_000_000
    expired: int = 100_000
    segments: int = 1_000_000
    unused: int = 400_000


@contextmanager
def ground(directory: Path, size: Size) -> Iterator[Stores]:
    """The stores of servers that hold so much; gone with the block."""
    with Postgres(directory / "postgres") as postgres, ObjectStore(directory / "object-store") as objects:
        migrate(postgres.url)
        stores = Stores.make(
            DatabaseSettings(database_url=postgres.url),
            ObjectStoreSettings(
                s3_endpoint_url=objects.endpoint_url,
                s3_bucket=BUCKET,
                aws_access_key_id=objects.access_key_id,
                aws_secret_access_key=objects.secret_access_key,
            ),
            RuleSettings(),
        )
        stores.audio.ensure_bucket()
        _fill_database(postgres.url, size)
        _write_objects(directory / "object-store" / "objects" / BUCKET, size)
        try:
            yield stores
        finally:
            stores.close()


def _fill_database(url: str, size: Size) -> None:
    numbers = {
        "jobs": size.jobs,
        "expired": size.expired,
        "segments": size.segments,
        "unused": size.unused,
        "small": SMALL_USERS_JOBS,
        "great_user": GREAT_USER,
        "small_user": SMALL_USER,
    }
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _FILLING.split(";\n"):
            connection.execute(statement.encode(), numbers if "%(" in statement else None)


#: A row's number makes its id, and ids rise with time as those of version 7 do. One job in a hundred
#: failed; each completed one has a file, and one turn.
_FILLING: Final = """
CREATE FUNCTION pg_temp.id(kind text, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-' || left(md5(kind), 12))::uuid $$;
INSERT INTO users (id, name) VALUES (%(great_user)s, 'great'), (%(small_user)s, 'small');
INSERT INTO users (id, name) SELECT pg_temp.id('user', n), 'user ' || n FROM generate_series(0, 999) n;
INSERT INTO jobs (id, user_id, job_type, provider, input_params, status, stage, turns_done, turns_total, attempt,
    result_metadata, error_code, created_at, started_at, completed_at, expires_at)
SELECT pg_temp.id('job', n),
    CASE WHEN n %% 2 = 0 THEN %(great_user)s WHEN n <= 2 * %(small)s THEN %(small_user)s
         ELSE pg_temp.id('user', n %% 1000) END,
    'multi_role_tts', 'espeak',
    '{"provider": "espeak", "turns": [{"speaker": "A", "text": "Hello", "index": 0}], "voice_assignments":
      [{"speaker": "A", "voice_id": "en-us"}], "language": "en-US", "output_format": "mp3", "gap_ms": 300,
      "crossfade_ms": 50, "normalize": true}',
    CASE WHEN n %% 100 = 0 THEN 'failed' ELSE 'completed' END, 'done', 1, 1, 1,
    CASE WHEN n %% 100 = 0 THEN NULL ELSE '{"duration_ms": 1000}'::jsonb END,
    CASE WHEN n %% 100 = 0 THEN 'timeout' END,
    now() - interval '1 hour', now() - interval '1 hour', now() - interval '1 hour',
    CASE WHEN n <= %(expired)s THEN now() - n * interval '1 millisecond' ELSE now() + n * interval '1 second' END
FROM generate_series(1, %(jobs)s) n;
INSERT INTO audio_files (id, job_id, attempt, object_key, content_type, state, size_bytes, duration_ms)
SELECT pg_temp.id('file', n), pg_temp.id('job', n), 1, 'audio/' || n %% 1000 || '/' || n, 'audio/mpeg', 'stored', 1,
    1000
FROM generate_series(1, %(jobs)s) n WHERE n %% 100 <> 0;
UPDATE jobs SET audio_file_id = audio_files.id FROM audio_files WHERE audio_files.job_id = jobs.id;
INSERT INTO segments (id, user_id, digest, object_key, state, created_at, last_used_at)
SELECT pg_temp.id('segment', n), %(great_user)s, sha256(('segment' || n)::bytea),
    'segments/' || n %% 1000 || '/' || n, 'stored',
    now() - interval '8 days', CASE WHEN n <= %(unused)s THEN now() - interval '8 days' ELSE now() END
FROM generate_series(1, %(segments)s) n;
INSERT INTO job_turns (job_id, turn_index, segment_id, billed_characters, cached_characters)
SELECT pg_temp.id('job', n), 0, pg_temp.id('segment', n), 5, 0
FROM generate_series(1, LEAST(%(jobs)s, %(segments)s)) n WHERE n %% 100 <> 0;
VACUUM ANALYZE
"""


def _write_objects(bucket: Path, size: Size) -> None:
    """The objects of what is to go; nobody asks for the others."""
    for prefix, count in (("audio", size.expired), ("segments", size.unused)):
        # As of a thousand users: an S3 server that keeps folders takes long to look into one of half a million.
        for user in range(1000):
            (bucket / prefix / str(user)).mkdir(parents=True)
        for n in range(1, count + 1):
            _write(bucket / prefix / str(n % 1000) / str(n))


def _write(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
