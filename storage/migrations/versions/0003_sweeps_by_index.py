"""Every sweep's condition has an index of its own; audio files and turns go with their job.

Indexes are built beside whoever writes. One that was interrupted is there but not valid: it is dropped and built anew.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_INDEXES = {
    "jobs_audio_file": "jobs (audio_file_id) WHERE audio_file_id IS NOT NULL",
    "jobs_pending": "jobs (created_at) WHERE status = 'pending'",
    "segments_stored": "segments (last_used_at) WHERE state = 'stored'",
    "segments_unfinished": "segments (created_at) WHERE state IN ('speaking', 'abandoned')",
    "segments_expired": "segments (id) WHERE state = 'expired'",
}


def upgrade() -> None:
    """Apply."""
    with op.get_context().autocommit_block():
        for name, rows in _INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {rows}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS segments_last_used")
    # NOT VALID asks no row, for the old constraint held for all. Then every row is looked at, without a lock
    # that would keep others from writing.
    op.execute("ALTER TABLE audio_files DROP CONSTRAINT IF EXISTS audio_files_job_id_fkey")
    op.execute(
        "ALTER TABLE audio_files ADD CONSTRAINT audio_files_job_id_fkey"
        " FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE NOT VALID"
    )
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE audio_files VALIDATE CONSTRAINT audio_files_job_id_fkey")
