"""Jobs that revise others, segments that one worker speaks for all, waveforms, samples of voices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("revised_from", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("jobs_revised_from_fkey"), "jobs", "jobs", ["revised_from"], ["id"], ondelete="SET NULL")
    op.create_index("jobs_revised_from", "jobs", ["revised_from"], postgresql_where=sa.text("revised_from IS NOT NULL"))
    op.add_column("jobs", sa.Column("takes", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("audio_files", sa.Column("peaks", sa.LargeBinary(), nullable=True))
    op.add_column("segments", sa.Column("owner_job_id", sa.Uuid(), nullable=True))
    op.add_column("segments", sa.Column("owner_lease_token", sa.Uuid(), nullable=True))
    op.alter_column("segments", "user_id", existing_type=sa.Uuid(), nullable=True)
    op.drop_constraint(op.f("segments_state_check"), "segments", type_="check")
    # Whose uploads these are is not known. A worker that is at one while this runs speaks the turn again.
    op.execute("UPDATE segments SET state = 'abandoned' WHERE state = 'uploading'")
    op.create_check_constraint(
        op.f("segments_state_check"), "segments", "state IN ('speaking', 'stored', 'abandoned', 'expired')"
    )
    op.drop_index("segments_by_digest", "segments")
    op.create_index(
        "segments_by_digest",
        "segments",
        ["user_id", "digest"],
        unique=True,
        postgresql_where=sa.text("state IN ('speaking', 'stored')"),
    )
