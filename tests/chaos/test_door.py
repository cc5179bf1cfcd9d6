"""The door before the object store: what a client of it meets, and that it is healed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from embedded.object_store import ObjectStore
from storage.audio_store import AudioStore, AudioStoreError, ObjectStoreFull, ObjectStoreUnavailable
from storage.settings import ObjectStoreSettings
from tests.chaos import door as doors
from tests.chaos.door import Door

SOUND = b"sound" * 1000


@pytest.fixture
def door(object_store: ObjectStore) -> Iterator[Door]:
    with Door(object_store.port) as made:
        yield made


@pytest.fixture
def store(door: Door, object_store: ObjectStore, bucket: str) -> Iterator[AudioStore]:
    """The bucket, through the door, with an object in it."""
    store = AudioStore(
        ObjectStoreSettings(
            s3_endpoint_url=door.url,
            s3_bucket=bucket,
            aws_access_key_id=object_store.access_key_id,
            aws_secret_access_key=object_store.secret_access_key,
        )
    )
    store.put("there", SOUND, "audio/wav")
    yield store
    store.close()


def read(store: AudioStore, key: str) -> bytes:
    return b"".join(store.open(key))


def test_an_open_door_is_not_noticed(store: AudioStore) -> None:
    assert read(store, "there") == SOUND
    assert store.stat("there").size_bytes == len(SOUND)
    assert list(store.keys()) == ["there"]
    store.delete("there")
    assert list(store.keys()) == []


def test_the_first_key_that_is_asked_for_is_refused_and_no_other(door: Door, store: AudioStore) -> None:
    store.put("beside", SOUND, "audio/wav")
    with door.doing(doors.refusing_one_key()):
        for _ in range(2):
            with pytest.raises(ObjectStoreUnavailable, match="AccessDenied"):
                read(store, "there")
        assert read(store, "beside") == SOUND
    assert read(store, "there") == SOUND


def test_a_full_store_says_so_and_can_still_be_read(door: Door, store: AudioStore) -> None:
    with door.doing(doors.full()):
        with pytest.raises(ObjectStoreFull):
            store.put("more", SOUND, "audio/wav")
        assert read(store, "there") == SOUND
    store.put("more", SOUND, "audio/wav")


@pytest.mark.parametrize("fault", ["busy", "cutting"])
def test_what_it_does_to_everybody_is_over_when_it_is_healed(door: Door, store: AudioStore, fault: str) -> None:
    doing: AbstractContextManager[None] = door.cutting() if fault == "cutting" else door.doing(doors.busy())
    with doing, pytest.raises(AudioStoreError):
        read(store, "there")
    assert read(store, "there") == SOUND


def test_what_may_not_be_deleted_stays(door: Door, store: AudioStore) -> None:
    with door.doing(doors.refusing_deletes()), pytest.raises(ObjectStoreUnavailable, match="AccessDenied"):
        store.delete("there")
    assert read(store, "there") == SOUND


def test_a_slow_answer_comes(door: Door, store: AudioStore, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(door.closing, "wait", waits.append)
    with door.doing(doors.slow(door)):
        assert read(store, "there") == SOUND
    assert waits == [doors.SLOW_S]
