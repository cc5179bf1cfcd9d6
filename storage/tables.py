"""The tables, as SQLAlchemy sees them. What they promise is written as constraints, so that it holds whoever writes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.stages import JobStatus, Stage

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def _one_of(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


_ACTIVE = _one_of("status", [status for status in JobStatus if status.is_active])

#: What the index says that makes a segment one of its kind. A sample of a voice, of no user, may be there twice.
LIVE_SEGMENT = "state IN ('speaking', 'stored')"
#: Segments whose object may be there or not: no audio that could be used.
UNFINISHED_SEGMENT = "state IN ('speaking', 'abandoned')"


def _moment(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True))


def _created_at() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _created_at(),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("prefix", String(16), nullable=False),
    _created_at(),
    _moment("last_used_at"),
    _moment("revoked_at"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("job_type", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("input_params", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("turns_done", Integer, nullable=False, server_default=text("0")),
    Column("turns_total", Integer, nullable=False),
    Column("retry_count", Integer, nullable=False, server_default=text("0")),
    # The owner of the work: a new pair at each claim, no token while nobody works on it.
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("lease_token", Uuid),
    Column("heartbeat", BigInteger, nullable=False, server_default=text("0")),
    # When the job is due; NULL while somebody works on it and after its end.
    _moment("next_run_at"),
    _moment("last_published_at"),
    _moment("deadline_at"),
    Column("active_slot", SmallInteger),
    Column("idempotency_key", Text),
    # Not written any more: what was asked is compared itself. It goes a release later.
    Column("idempotency_fingerprint", LargeBinary),
    Column("result_metadata", JSONB),
    Column("audio_file_id", Uuid, ForeignKey("audio_files.id", use_alter=True, ondelete="SET NULL")),
    Column("error_code", Text),
    Column("error_detail", Text),
    Column("resubmitted_from", Uuid, ForeignKey("jobs.id", ondelete="SET NULL")),
    Column("revised_from", Uuid, ForeignKey("jobs.id", ondelete="SET NULL")),
    # Turns that were to be spoken again: turn index → the name of the take.
    Column("takes", JSONB, nullable=False, server_default=text("'{}'")),
    _created_at(),
    _moment("started_at"),
    _moment("completed_at"),
    _moment("expires_at"),
    CheckConstraint(_one_of("status", JobStatus), name="status"),
    CheckConstraint(_one_of("stage", Stage), name="stage"),
    CheckConstraint(f"({_ACTIVE}) = (active_slot IS NOT NULL)", name="active_slot"),
    CheckConstraint(f"({_ACTIVE}) = (stage <> 'done')", name="done"),
    CheckConstraint(f"({_ACTIVE}) = (completed_at IS NULL)", name="completed_at"),
    CheckConstraint(f"({_ACTIVE}) = (expires_at IS NULL)", name="expires_at"),
    CheckConstraint(
        f"({_ACTIVE}) = ((lease_token IS NULL) <> (next_run_at IS NULL))",
        name="worked_on_or_due",
    ),
    CheckConstraint("(status = 'failed') = (error_code IS NOT NULL)", name="error_code"),
    CheckConstraint("status <> 'completed' OR turns_done = turns_total", name="complete"),
    Index("jobs_active_slot", "user_id", "active_slot", unique=True, postgresql_where=text(_ACTIVE)),
    Index(
        "jobs_idempotency_key",
        "user_id",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
    Index("jobs_list", "user_id", "id"),
    Index("jobs_list_by_status", "user_id", "status", "id"),
    Index("jobs_due", "next_run_at", postgresql_where=text("next_run_at IS NOT NULL")),
    Index("jobs_owned", "id", postgresql_where=text("lease_token IS NOT NULL")),
    Index("jobs_deadline", "deadline_at", postgresql_where=text("status = 'processing'")),
    Index("jobs_expiry", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    Index("jobs_resubmitted_from", "resubmitted_from", postgresql_where=text("resubmitted_from IS NOT NULL")),
    Index("jobs_revised_from", "revised_from", postgresql_where=text("revised_from IS NOT NULL")),
    # Foreign keys look here when an audio file goes.
    Index("jobs_audio_file", "audio_file_id", postgresql_where=text("audio_file_id IS NOT NULL")),
    Index("jobs_pending", "created_at", postgresql_where=text("status = 'pending'")),
)

#: The result of a job. The row is written before the upload (`uploading`), so that every object is known.
audio_files = Table(
    "audio_files",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("object_key", Text, nullable=False, unique=True),
    Column("content_type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("size_bytes", BigInteger),
    Column("duration_ms", BigInteger),
    # The waveform, as `actors/audio/waveform.py` writes it.
    Column("peaks", LargeBinary),
    _created_at(),
    CheckConstraint("state IN ('uploading', 'stored')", name="state"),
    CheckConstraint("state <> 'stored' OR (size_bytes > 0 AND duration_ms > 0)", name="stored"),
    Index("audio_files_one_a_job", "job_id", unique=True, postgresql_where=text("state = 'stored'")),
    Index("audio_files_job", "job_id"),
    Index("audio_files_uploading", "created_at", postgresql_where=text("state = 'uploading'")),
)

#: The audio of one turn, found again by what was spoken (`digest`), kept for its user alone; or, of no user, a sample
#: of a voice for all. The row is written before the vendor is asked (`speaking`), by whom the owner says: the same
#: words are never spoken twice at once. `abandoned`: the owner is gone, but its bytes may still arrive.
segments = Table(
    "segments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id")),
    Column("digest", LargeBinary, nullable=False),
    Column("object_key", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("owner_job_id", Uuid),
    Column("owner_lease_token", Uuid),
    _created_at(),
    Column("last_used_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("state IN ('speaking', 'stored', 'abandoned', 'expired')", name="state"),
    Index("segments_by_digest", "user_id", "digest", unique=True, postgresql_where=text(LIVE_SEGMENT)),
    # Each condition of the sweep has the rows that it asks for, and no others.
    Index("segments_stored", "last_used_at", postgresql_where=text("state = 'stored'")),
    Index("segments_unfinished", "created_at", postgresql_where=text(UNFINISHED_SEGMENT)),
    Index("segments_expired", "id", postgresql_where=text("state = 'expired'")),
)

#: A user's words and how they are said, as `storage/lexicon.py: Pronunciation` is written in JSON.
lexicons = Table(
    "lexicons",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("entries", JSONB, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

#: Which turns of a job are spoken, and what each cost.
job_turns = Table(
    "job_turns",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("turn_index", Integer, primary_key=True),
    Column("segment_id", Uuid, ForeignKey("segments.id", ondelete="SET NULL")),
    Column("billed_characters", Integer, nullable=False),
    Column("cached_characters", Integer, nullable=False),
    Index("job_turns_segment", "segment_id"),
)
