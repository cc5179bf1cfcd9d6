"""The first tables: users and keys, jobs and their turns, audio files and segments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("api_keys_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pkey")),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("input_params", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("turns_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("turns_total", sa.Integer(), nullable=False),
        sa.Column("retry_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("heartbeat", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active_slot", sa.SmallInteger(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("idempotency_fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("result_metadata", postgresql.JSONB(), nullable=True),
        sa.Column("audio_file_id", sa.Uuid(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("resubmitted_from", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'failed') = (error_code IS NOT NULL)", name=op.f("jobs_error_code_check")),
        sa.CheckConstraint(
            "(status IN ('pending', 'processing')) = ((lease_token IS NULL) <> (next_run_at IS NULL))",
            name=op.f("jobs_worked_on_or_due_check"),
        ),
        sa.CheckConstraint(
            "(status IN ('pending', 'processing')) = (active_slot IS NOT NULL)", name=op.f("jobs_active_slot_check")
        ),
        sa.CheckConstraint(
            "(status IN ('pending', 'processing')) = (completed_at IS NULL)", name=op.f("jobs_completed_at_check")
        ),
        sa.CheckConstraint(
            "(status IN ('pending', 'processing')) = (expires_at IS NULL)", name=op.f("jobs_expires_at_check")
        ),
        sa.CheckConstraint("(status IN ('pending', 'processing')) = (stage <> 'done')", name=op.f("jobs_done_check")),
        sa.CheckConstraint(
            "stage IN ('queued', 'synthesizing', 'retrying', 'assembling', 'done')", name=op.f("jobs_stage_check")
        ),
        sa.CheckConstraint("status <> 'completed' OR turns_done = turns_total", name=op.f("jobs_complete_check")),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')", name=op.f("jobs_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["resubmitted_from"], ["jobs.id"], name=op.f("jobs_resubmitted_from_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("jobs_user_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("jobs_pkey")),
    )
    op.create_index(
        "jobs_active_slot",
        "jobs",
        ["user_id", "active_slot"],
        unique=True,
        postgresql_where=sa.text("status IN ('pending', 'processing')"),
    )
    op.create_index(
        "jobs_deadline", "jobs", ["deadline_at"], unique=False, postgresql_where=sa.text("status = 'processing'")
    )
    op.create_index(
        "jobs_due", "jobs", ["next_run_at"], unique=False, postgresql_where=sa.text("next_run_at IS NOT NULL")
    )
    op.create_index(
        "jobs_expiry", "jobs", ["expires_at"], unique=False, postgresql_where=sa.text("expires_at IS NOT NULL")
    )
    op.create_index(
        "jobs_idempotency_key",
        "jobs",
        ["user_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index("jobs_list", "jobs", ["user_id", "id"], unique=False)
    op.create_index("jobs_list_by_status", "jobs", ["user_id", "status", "id"], unique=False)
    op.create_index("jobs_owned", "jobs", ["id"], unique=False, postgresql_where=sa.text("lease_token IS NOT NULL"))
    op.create_index(
        "jobs_resubmitted_from",
        "jobs",
        ["resubmitted_from"],
        unique=False,
        postgresql_where=sa.text("resubmitted_from IS NOT NULL"),
    )
    op.create_table(
        "segments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('uploading', 'stored', 'expired')", name=op.f("segments_state_check")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("segments_user_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("segments_pkey")),
        sa.UniqueConstraint("object_key"),
    )
    op.create_index(
        "segments_by_digest",
        "segments",
        ["user_id", "digest"],
        unique=True,
        postgresql_where=sa.text("state = 'stored'"),
    )
    op.create_index("segments_last_used", "segments", ["last_used_at"], unique=False)
    op.create_table(
        "audio_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state <> 'stored' OR (size_bytes > 0 AND duration_ms > 0)", name=op.f("audio_files_stored_check")
        ),
        sa.CheckConstraint("state IN ('uploading', 'stored')", name=op.f("audio_files_state_check")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("audio_files_job_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("audio_files_pkey")),
        sa.UniqueConstraint("object_key"),
    )
    op.create_index("audio_files_job", "audio_files", ["job_id"], unique=False)
    op.create_index(
        "audio_files_one_a_job", "audio_files", ["job_id"], unique=True, postgresql_where=sa.text("state = 'stored'")
    )
    op.create_index(
        "audio_files_uploading",
        "audio_files",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'uploading'"),
    )
    op.create_table(
        "job_turns",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("turn_index", sa.Integer(), nullable=False),
        sa.Column("segment_id", sa.Uuid(), nullable=True),
        sa.Column("billed_characters", sa.Integer(), nullable=False),
        sa.Column("cached_characters", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("job_turns_job_id_fkey"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segments.id"], name=op.f("job_turns_segment_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("job_id", "turn_index", name=op.f("job_turns_pkey")),
    )
    op.create_index("job_turns_segment", "job_turns", ["segment_id"], unique=False)
    op.create_foreign_key(
        "jobs_audio_file_id_fkey", "jobs", "audio_files", ["audio_file_id"], ["id"], ondelete="SET NULL"
    )
    # The one user of a server without keys (storage.jobs.LOCAL_USER_ID).
    op.execute("INSERT INTO users (id, name) VALUES ('00000000-0000-7000-8000-000000000000', 'local')")
