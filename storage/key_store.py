"""KeyStore: users and their API keys. A key is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from storage.engine import reading, transaction
from storage.jobs import new_id
from storage.statements import Clock, database_clock
from storage.tables import api_keys, users

#: What every key begins with, so that one left lying about is recognised.
KEY_PREFIX: Final = "rt_"
#: So much of a key is kept in the clear, to tell keys apart in a list.
_SHOWN_CHARACTERS: Final = 8


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is listed, without the secret."""

    id: UUID
    user_name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeyStore:
    """Users and keys in PostgreSQL. One instance may be shared by threads."""

    def __init__(self, engine: Engine, clock: Clock = database_clock) -> None:
        self._engine = engine
        self._now = clock

    def create(self, user_name: str) -> str:
        """A new key for a user, who is added if there is none of that name. The only time that the key is seen."""
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        with transaction(self._engine) as connection:
            connection.execute(upsert(users).values(id=new_id(), name=user_name).on_conflict_do_nothing())
            user_id = connection.execute(select(users.c.id).where(users.c.name == user_name)).scalar_one()
            connection.execute(
                insert(api_keys).values(
                    id=new_id(), user_id=user_id, key_hash=_hash(key), prefix=key[:_SHOWN_CHARACTERS]
                )
            )
        return key

    def list(self) -> Sequence[ApiKey]:
        """Every key, revoked ones too, oldest first."""
        query = (
            select(
                api_keys.c.id,
                users.c.name.label("user_name"),
                api_keys.c.prefix,
                api_keys.c.created_at,
                api_keys.c.last_used_at,
                api_keys.c.revoked_at,
            )
            .join(users, users.c.id == api_keys.c.user_id)
            .order_by(api_keys.c.id)
        )
        with reading(self._engine) as connection:
            return [ApiKey(*row) for row in connection.execute(query)]

    def revoke(self, key_id: UUID) -> bool:
        """End a key. False: there is none with this id that is still good."""
        good = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
        with transaction(self._engine) as connection:
            return connection.execute(update(api_keys).where(good).values(revoked_at=self._now())).rowcount == 1

    def user_of(self, key: str) -> UUID | None:
        """The user who has this key; None when nobody has, or not any more. Notes the time of use."""
        good = (api_keys.c.key_hash == _hash(key)) & api_keys.c.revoked_at.is_(None)
        used = update(api_keys).where(good).values(last_used_at=self._now()).returning(api_keys.c.user_id)
        with transaction(self._engine) as connection:
            return connection.execute(used).scalar_one_or_none()


def _hash(key: str) -> bytes:
    # A key has 256 random bits: a plain hash cannot be searched, and it is compared by the index.
    return sha256(key.encode()).digest()
