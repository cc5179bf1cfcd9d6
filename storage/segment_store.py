"""SegmentStore: which spoken turns a user has already, found by what was spoken. The audio itself is in S3.

A segment's row is written before its upload, so that no object is unknown; it is `stored` once the object is there,
and `expired` once the scheduler may delete both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from storage.engine import outlasting_outages
from storage.job_store import Clock, database_clock
from storage.run_store import OUTAGE_PATIENCE_S
from storage.tables import segments


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """The audio of a turn, in the object store under `object_key`."""

    id: UUID
    object_key: str


class SegmentStore:
    """Segments in PostgreSQL. One instance may be shared by threads."""

    def __init__(self, engine: Engine, clock: Clock = database_clock, patience_s: float = OUTAGE_PATIENCE_S) -> None:
        self._engine = engine
        self._now = clock
        #: An outage that is shorter is waited out.
        self.patience_s = patience_s

    @outlasting_outages
    def find(self, user_id: UUID, digests: Sequence[bytes]) -> Mapping[bytes, StoredSegment]:
        """Those of the segments that the user has. Finding one counts as using it."""
        found = (
            update(segments)
            .where(segments.c.user_id == user_id, segments.c.digest.in_(digests), segments.c.state == "stored")
            .values(last_used_at=self._now())
            .returning(segments.c.digest, segments.c.id, segments.c.object_key)
        )
        with self._engine.begin() as connection:
            return {bytes(row.digest): StoredSegment(row.id, row.object_key) for row in connection.execute(found)}

    @outlasting_outages
    def begin_upload(self, user_id: UUID, segment_id: UUID, digest: bytes, object_key: str) -> None:
        """Write down that an object is about to be made."""
        intent = upsert(segments).values(
            id=segment_id,
            user_id=user_id,
            digest=digest,
            object_key=object_key,
            state="uploading",
            created_at=self._now(),
            last_used_at=self._now(),
        )
        with self._engine.begin() as connection:
            connection.execute(intent.on_conflict_do_nothing())

    @outlasting_outages
    def finish_upload(self, segment_id: UUID) -> UUID | None:
        """The object is there. The id of the segment to use: another's, if the same words were stored meanwhile.

        None: the scheduler has given this upload up; its object may be gone.
        """
        stored = (
            update(segments)
            .where(segments.c.id == segment_id, segments.c.state == "uploading")
            .values(state="stored", last_used_at=self._now())
        )
        try:
            with self._engine.begin() as connection:
                if connection.execute(stored).rowcount == 1:
                    return segment_id
        except IntegrityError:
            # segments_by_digest: another worker has stored the same words. Its copy counts, ours goes.
            return self._give_way(segment_id)
        with self._engine.begin() as connection:
            is_stored = exists().where(segments.c.id == segment_id, segments.c.state == "stored")
            return segment_id if connection.execute(select(is_stored)).scalar_one() else None

    def _give_way(self, segment_id: UUID) -> UUID | None:
        ours = select(segments.c.user_id, segments.c.digest).where(segments.c.id == segment_id).subquery()
        theirs = select(segments.c.id).where(
            segments.c.user_id == ours.c.user_id, segments.c.digest == ours.c.digest, segments.c.state == "stored"
        )
        with self._engine.begin() as connection:
            connection.execute(update(segments).where(segments.c.id == segment_id).values(state="expired"))
            return connection.execute(theirs).scalar_one_or_none()
