"""SegmentStore: which spoken turns a user has already, found by what was spoken. The audio itself is in S3.

A segment's row is written before its words are spoken, so that no object is unknown and no two workers speak the same
at once: it is `speaking` while its owner is at it, and `stored` once the object is there. An owner that fails, or dies,
leaves it `abandoned`. The scheduler makes it `expired` once it may delete both.

A sample of a voice is a segment too. It is of no user, and for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    and_,
    any_,
    bindparam,
    exists,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.dml import UpdateBase

from storage.engine import outlasting_outages, reading, transaction
from storage.jobs import Claim
from storage.prepared import Prepared, given
from storage.run_store import OUTAGE_PATIENCE_S
from storage.statements import Clock, database_clock
from storage.tables import jobs, segments

#: Addresses in one statement; the protocol takes 65,535 values.
_ASKED_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """The audio of a turn, in the object store under `object_key`."""

    id: UUID
    object_key: str


@dataclass(frozen=True, slots=True)
class SegmentIntent:
    """What is about to be spoken: whose words, by their digest, and the key that the object will have."""

    id: UUID
    user_id: UUID | None
    digest: bytes
    object_key: str


class SegmentStore:
    """Segments in PostgreSQL. One instance may be shared by threads."""

    def __init__(self, engine: Engine, clock: Clock = database_clock, patience_s: float = OUTAGE_PATIENCE_S) -> None:
        self._engine = engine
        self._now = clock
        #: An outage that is shorter is waited out.
        self.patience_s = patience_s
        speaking = and_(segments.c.id == given("segment_id", segments.c.id), segments.c.state == "speaking")
        self._find = Prepared(self._finding(segments.c.user_id == given("user_id", segments.c.user_id)))
        self._find_samples = Prepared(self._finding(segments.c.user_id.is_(None)))
        self._intend = Prepared(self._intending())
        self._is_ours = Prepared(select(exists().where(speaking)))
        self._store = Prepared(update(segments).where(speaking).values(state="stored", last_used_at=self._now()))
        ours = segments.alias("ours")
        same = and_(ours.c.digest == segments.c.digest, ours.c.user_id.is_not_distinct_from(segments.c.user_id))
        self._same_words = Prepared(
            select(segments.c.id)
            .join(ours, same)
            .where(ours.c.id == given("segment_id", segments.c.id), segments.c.state == "stored")
            .limit(1)
        )

    def impatient(self) -> SegmentStore:
        """The same segments, for a caller who would rather have an error at once than wait."""
        return SegmentStore(self._engine, self._now, patience_s=0)

    @outlasting_outages
    def find(self, user_id: UUID | None, digests: Sequence[bytes]) -> Mapping[bytes, StoredSegment]:
        """Those of the segments that the user has. Finding one counts as using it."""
        with transaction(self._engine) as connection:
            if user_id is None:
                rows = self._find_samples.rows(connection, digests=list(digests))
            else:
                rows = self._find.rows(connection, user_id=user_id, digests=list(digests))
        return {digest: StoredSegment(segment_id, object_key) for digest, segment_id, object_key in rows}

    def stored(self, user_id: UUID, digests: Sequence[bytes]) -> set[bytes]:
        """Those of the segments that the user has. Unlike `find`, it does not count as using them."""
        there: set[bytes] = set()
        with reading(self._engine) as connection:
            for first in range(0, len(digests), _ASKED_AT_ONCE):
                some = digests[first : first + _ASKED_AT_ONCE]
                query = select(segments.c.digest).where(
                    segments.c.user_id == user_id, segments.c.digest.in_(some), segments.c.state == "stored"
                )
                there.update(bytes(digest) for digest in connection.execute(query).scalars())
        return there

    @outlasting_outages
    def claim(self, intent: SegmentIntent, owner: Claim | None) -> bool:
        """Write down that these words are about to be spoken and stored, and by whom.

        False: another job has stored them, or is speaking them now. A job that holds a segment must speak it and wait
        for no other, so that no two can wait for each other. A segment whose owner's lease is gone is taken over: a
        dead worker is waited for as long as the scheduler takes to see its death, and no longer.
        """
        with transaction(self._engine) as connection:
            if self._insert(connection, intent, owner):
                return True
            if self._abandon_dead(connection, intent) and self._insert(connection, intent, owner):
                return True
            # The answer to a claim of ours may have been lost on the way.
            return self._is_ours.row(connection, segment_id=intent.id) == (True,)

    def _insert(self, connection: Connection, intent: SegmentIntent, owner: Claim | None) -> bool:
        inserted = self._intend.count(
            connection,
            segment_id=intent.id,
            user_id=intent.user_id,
            digest=intent.digest,
            object_key=intent.object_key,
            owner_job=owner.job_id if owner else None,
            owner_token=owner.lease_token if owner else None,
        )
        return inserted == 1

    def _intending(self) -> Insert:
        speaking = upsert(segments).values(
            id=given("segment_id", segments.c.id),
            user_id=given("user_id", segments.c.user_id),
            digest=given("digest", segments.c.digest),
            object_key=given("object_key", segments.c.object_key),
            state="speaking",
            owner_job_id=given("owner_job", segments.c.owner_job_id),
            owner_lease_token=given("owner_token", segments.c.owner_lease_token),
            created_at=self._now(),
            last_used_at=self._now(),
        )
        return speaking.on_conflict_do_nothing()

    @staticmethod
    def _abandon_dead(connection: Connection, intent: SegmentIntent) -> bool:
        owner_lives = exists().where(
            jobs.c.id == segments.c.owner_job_id, jobs.c.lease_token == segments.c.owner_lease_token
        )
        dead = and_(
            segments.c.user_id == intent.user_id,
            segments.c.digest == intent.digest,
            segments.c.state == "speaking",
            segments.c.id != intent.id,
            ~owner_lives,
        )
        return connection.execute(update(segments).where(dead).values(state="abandoned")).rowcount > 0

    @outlasting_outages
    def abandon(self, segment_id: UUID) -> None:
        """The words were not spoken, or not stored: another job may try. What was sent may still arrive."""
        abandoned = (
            update(segments)
            .where(segments.c.id == segment_id, segments.c.state == "speaking")
            .values(state="abandoned")
        )
        with transaction(self._engine) as connection:
            connection.execute(abandoned)

    @outlasting_outages
    def mark_lost(self, segment_id: UUID) -> None:
        """The object of a stored segment is gone: it is not to be found any more."""
        with transaction(self._engine) as connection:
            connection.execute(update(segments).where(segments.c.id == segment_id).values(state="expired"))

    @outlasting_outages
    def finish_upload(self, segment_id: UUID) -> UUID | None:
        """The object is there. The id of the segment to use: another's, if the same words were stored meanwhile.

        None: the owner's lease was lost, or all took too long, and it was given up; its object may be gone.
        """
        with transaction(self._engine) as connection:
            if self._store.count(connection, segment_id=segment_id) == 1:
                return segment_id
            (other,) = self._same_words.row(connection, segment_id=segment_id) or (None,)
            return other

    def _finding(self, whose: ColumnElement[bool]) -> UpdateBase:
        digests = bindparam("digests", None, type_=ARRAY(LargeBinary))
        wanted = and_(whose, segments.c.digest == any_(digests), segments.c.state == "stored")
        found = update(segments).where(wanted).values(last_used_at=self._now())
        return found.returning(segments.c.digest, segments.c.id, segments.c.object_key)
