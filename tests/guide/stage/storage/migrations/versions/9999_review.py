"""A job may stand at `reviewing`."""

from __future__ import annotations

from alembic import op

from storage.stages import Stage

revision = "9999"
down_revision = "HEAD"

# A real migration writes them out: it must mean the same for ever.
_STAGES = ", ".join(f"'{stage}'" for stage in Stage)


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE jobs DROP CONSTRAINT jobs_stage_check")
    op.execute(f"ALTER TABLE jobs ADD CONSTRAINT jobs_stage_check CHECK (stage IN ({_STAGES}))")
