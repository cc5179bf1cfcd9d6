"""LexiconStore: each user's words and how they are said. A lexicon is read and written as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert as upsert

from storage.engine import reading, transaction
from storage.lexicon import Pronunciation
from storage.statements import Clock, database_clock
from storage.tables import lexicons


class LexiconStore:
    """Lexicons in PostgreSQL, and the operator's. One instance may be shared by threads."""

    def __init__(self, engine: Engine, shared: Sequence[Pronunciation] = (), clock: Clock = database_clock) -> None:
        self._engine = engine
        self._shared = tuple(shared)
        self._now = clock

    def get(self, user_id: UUID) -> Sequence[Pronunciation]:
        """A user's own words, in their order; none of a user who has never written any."""
        query = select(lexicons.c.entries).where(lexicons.c.user_id == user_id)
        with reading(self._engine) as connection:
            entries = connection.execute(query).scalar_one_or_none()
        return [Pronunciation.from_json(entry) for entry in entries or ()]

    def all_of(self, user_id: UUID) -> Sequence[Pronunciation]:
        """All that is said otherwise for a user: their own words, and behind them the operator's."""
        return [*self.get(user_id), *self._shared]

    def put(self, user_id: UUID, entries: Sequence[Pronunciation]) -> None:
        """A user's own words from now on."""
        written = upsert(lexicons).values(
            user_id=user_id, entries=[entry.as_json() for entry in entries], updated_at=self._now()
        )
        with transaction(self._engine) as connection:
            connection.execute(
                written.on_conflict_do_update(
                    index_elements=[lexicons.c.user_id],
                    set_={"entries": written.excluded.entries, "updated_at": written.excluded.updated_at},
                )
            )
