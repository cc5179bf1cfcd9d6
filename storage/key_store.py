"""KeyStore: users and their API keys. A key is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, ColumnElement, Engine, Uuid, any_, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from storage.engine import reading, transaction
from storage.errors import DatabaseUnavailable
from storage.jobs import new_id
from storage.prepared import Prepared, given
from storage.statements import Clock, database_clock, free_among
from storage.tables import api_keys, users

#: What every key begins with, so that one left lying about is recognised.
KEY_PREFIX: Final = "rt_"
#: So much of a key is kept in the clear, to tell keys apart in a list.
_SHOWN_CHARACTERS: Final = 8
#: The last use of a key is known to within so much: a request is not worth a write.
LAST_USE_STEP: Final = timedelta(minutes=1)
#: Uses are noted so often at most, in seconds, those of all keys of a process at once.
NOTING_REST_S: Final = 1.0

log = structlog.get_logger()


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
        good = (api_keys.c.key_hash == given("key_hash", api_keys.c.key_hash)) & api_keys.c.revoked_at.is_(None)
        self._known = Prepared(select(api_keys.c.user_id, api_keys.c.id, self._is_noted()).where(good))
        # Who finds a row locked goes on: another notes it, or an operator is at it.
        used = bindparam("used", None, type_=ARRAY(Uuid))
        due = select(api_keys.c.id).where(api_keys.c.id == any_(used), ~self._is_noted())
        self._note = Prepared(update(api_keys).where(free_among(api_keys.c.id, due)).values(last_used_at=self._now()))
        #: Keys whose use is to be noted, and whether that waits because others were noted a moment ago.
        self._unnoted: set[UUID] = set()
        self._is_resting = False
        self._is_closed = False
        self._rest: threading.Timer | None = None
        self._guard = threading.Lock()

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
        """The user who has this key; None when nobody has, or not any more. Notes the time of use, once a minute."""
        with reading(self._engine) as connection:
            row = self._known.row(connection, key_hash=_hash(key))
        if row is None:
            return None
        user_id, key_id, is_noted = row
        if not is_noted:
            self._note_use(key_id)
        return user_id

    def _is_noted(self) -> ColumnElement[bool]:
        """Whether a key's last use is known well enough."""
        return api_keys.c.last_used_at.is_not(None) & (api_keys.c.last_used_at > self._now() - LAST_USE_STEP)

    def _note_use(self, key_id: UUID) -> None:
        """At once, where no other was noted a moment ago; else with all the others, when the moment is over."""
        with self._guard:
            self._unnoted.add(key_id)
            if self._is_resting:
                return
            self._is_resting = True
        self._note_and_rest()

    def _note_and_rest(self) -> None:
        with self._guard:
            used, self._unnoted = self._unnoted, set()
            self._is_resting = bool(used)
        if not used:
            return
        self._write_down(used)
        with self._guard:
            if self._is_closed:
                return
            self._rest = threading.Timer(NOTING_REST_S, self._note_and_rest)
            self._rest.daemon = True
            self._rest.start()

    def _write_down(self, used: set[UUID]) -> None:
        try:
            with transaction(self._engine) as connection:
                self._note.count(connection, used=list(used))
        except DatabaseUnavailable as error:
            log.warning("key_use_not_noted", error=str(error))  # the key is good all the same

    def close(self) -> None:
        """Note what is not noted yet, and no more."""
        with self._guard:
            self._is_closed = True
            used, self._unnoted = self._unnoted, set()
            rest = self._rest
        if rest is not None:
            rest.cancel()
            rest.join()
        if used:
            self._write_down(used)


def _hash(key: str) -> bytes:
    # A key has 256 random bits: a plain hash cannot be searched. The index compares hashes, not keys: nobody can come
    # nearer to one a byte at a time, however exactly they measure how long that takes.
    return sha256(key.encode("utf-8", "surrogatepass")).digest()
