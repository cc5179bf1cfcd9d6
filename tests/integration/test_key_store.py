"""Users and keys, on a real PostgreSQL, and the command that makes them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from storage import keys as keys_command
from storage.jobs import LOCAL_USER_ID, new_id
from storage.key_store import KeyStore
from storage.statements import database_clock
from storage.stores import Stores
from storage.tables import api_keys, users
from tests.integration.system import wait_until


def test_a_key_opens_the_door_of_its_user_until_it_is_revoked(stores: Stores, engine: Engine) -> None:
    key = stores.keys.create("Ann")
    with engine.connect() as connection:
        user_id = connection.execute(select(users.c.id).where(users.c.name == "Ann")).scalar_one()

    assert stores.keys.user_of(key) == user_id
    (listed,) = stores.keys.list()
    assert listed.last_used_at is not None
    assert stores.keys.revoke(listed.id)
    assert stores.keys.user_of(key) is None
    assert not stores.keys.revoke(listed.id)


@contextmanager
def noting(keys: KeyStore) -> Iterator[list[Any]]:
    """What was written to keys while the block ran: each time, which ones."""
    seen: list[Any] = []
    note = keys._note

    class Seen:
        def count(self, connection: Any, **values: Any) -> int:
            seen.append(values["used"])
            return note.count(connection, **values)

    keys._note = Seen()  # pyright: ignore[reportAttributeAccessIssue] # as much of it as is used
    yield seen
    keys._note = note


def test_the_last_use_is_written_once_a_minute(stores: Stores) -> None:
    key = stores.keys.create("Ann")
    with noting(stores.keys) as notes:
        for _ in range(50):
            assert stores.keys.user_of(key) is not None
    assert len(notes) == 1

    later = KeyStore(stores.engine, lambda: database_clock() + timedelta(seconds=61))
    with noting(later) as notes:
        for _ in range(50):
            assert later.user_of(key) is not None
    assert len(notes) == 1


def test_many_keys_at_once_are_noted_together(stores: Stores, engine: Engine) -> None:
    keys = [stores.keys.create(f"user {number}") for number in range(20)]
    with noting(stores.keys) as notes:
        for key in keys:
            assert stores.keys.user_of(key) is not None
        wait_until(lambda: all(key.last_used_at for key in stores.keys.list()), "every use is noted")
    assert len(notes) == 2  # the first at once, and then all the others


def test_what_is_not_noted_yet_is_noted_at_the_end(stores: Stores, engine: Engine) -> None:
    ours = KeyStore(engine)
    keys = [ours.create(f"user {number}") for number in range(3)]
    for key in keys:
        ours.user_of(key)
    ours.close()

    assert all(key.last_used_at for key in stores.keys.list())


def test_who_has_a_key_does_not_wait_for_another_with_the_same(stores: Stores, engine: Engine) -> None:
    """Not even where its row is locked by somebody who does not let go."""
    key = stores.keys.create("Ann")
    with engine.begin() as other:
        other.execute(select(api_keys).with_for_update())
        began = time.monotonic()
        assert stores.keys.user_of(key) is not None
        assert time.monotonic() - began < 5  # a statement that waits for a lock is given up after 10 s


def test_two_keys_of_one_user_are_the_same_user(stores: Stores) -> None:
    first, second = stores.keys.create("Ann"), stores.keys.create("Ann")

    assert first != second
    assert stores.keys.user_of(first) == stores.keys.user_of(second) != LOCAL_USER_ID


@pytest.mark.parametrize("key", ["", "rt_", "rt_0000", "Ann", "\x00", "鑰匙"])
def test_what_is_no_key_is_nobodys(stores: Stores, key: str) -> None:
    stores.keys.create("Ann")

    assert stores.keys.user_of(key) is None


def test_the_key_itself_is_not_kept(stores: Stores, engine: Engine) -> None:
    key = stores.keys.create("Ann")

    with engine.connect() as connection:
        (row,) = connection.execute(select(api_keys)).all()
    assert key.encode() not in repr(row).encode()
    assert key.startswith(row.prefix)
    assert len(row.prefix) == 8


@pytest.fixture
def configured(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.mark.usefixtures("configured")
def test_the_command_makes_lists_and_revokes(stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys_command.main(["create", "--user", "Ann"]) == 0
    key = capsys.readouterr().out.strip()
    assert re.fullmatch(r"rt_[\w-]{43}", key)
    assert stores.keys.user_of(key) is not None

    assert keys_command.main(["list"]) == 0
    listed = capsys.readouterr().out
    (key_id,) = re.findall(r"^[0-9a-f-]{36}", listed, re.MULTILINE)
    assert key not in listed
    assert "Ann" in listed

    assert keys_command.main(["revoke", key_id]) == 0
    assert keys_command.main(["revoke", key_id]) == 1
    assert "no key" in capsys.readouterr().err
    assert stores.keys.user_of(key) is None
    assert keys_command.main(["list"]) == 0
    assert "revoked" in capsys.readouterr().out


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    "arguments", [[], ["create"], ["create", "--user", " "], ["revoke"], ["revoke", "x"], ["forge"]]
)
def test_a_command_that_cannot_be_meant_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        keys_command.main(arguments)

    assert stopped.value.code == 2
    assert "usage: readthrough keys" in capsys.readouterr().err


def test_a_database_that_is_away_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://nobody@127.0.0.1:1/{new_id()}")

    assert keys_command.main(["list"]) == 1

    assert capsys.readouterr().err.startswith("readthrough keys: the database cannot be reached: ")
