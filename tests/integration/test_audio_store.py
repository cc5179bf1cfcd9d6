"""Audio in a real S3 server, and what becomes of its errors."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from storage.audio_store import (
    PART_BYTES,
    AudioStore,
    ObjectMissing,
    ObjectStoreFull,
    ObjectStoreUnavailable,
    content_disposition,
)
from storage.settings import ObjectStoreSettings
from storage.stores import Stores

DATA = bytes(range(256)) * 1000


@pytest.fixture
def audio(stores: Stores) -> AudioStore:
    return stores.audio


def test_what_goes_in_comes_out(audio: AudioStore, tmp_path: Path) -> None:
    audio.put("a/b.wav", DATA, "audio/wav")

    assert b"".join(audio.open("a/b.wav")) == DATA
    assert audio.stat("a/b.wav").size_bytes == len(DATA)
    audio.get_to_file("a/b.wav", tmp_path / "b.wav")
    assert (tmp_path / "b.wav").read_bytes() == DATA
    assert list(audio.keys("a/")) == ["a/b.wav"]


@pytest.mark.parametrize(
    ("start", "end"), [(0, 0), (0, None), (1, 1), (100_000, 199_999), (255_999, None), (0, 255_999)]
)
def test_a_range_is_exactly_what_was_asked_for(audio: AudioStore, start: int, end: int | None) -> None:
    audio.put("k", DATA, "audio/wav")

    assert b"".join(audio.open("k", start=start, end=end)) == DATA[start : None if end is None else end + 1]


def test_a_large_file_goes_up_in_parts_and_comes_back_whole(audio: AudioStore, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(DATA * (PART_BYTES // len(DATA) * 2 + 1))

    audio.put_file("large", large, "audio/mpeg")

    assert audio.stat("large").size_bytes == large.stat().st_size
    audio.get_to_file("large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_a_deleted_object_is_missing_and_may_be_deleted_again(audio: AudioStore, tmp_path: Path) -> None:
    audio.put("k", b"sound", "audio/wav")
    for _ in range(2):
        audio.delete("k")

    with pytest.raises(ObjectMissing):
        audio.stat("k")
    with pytest.raises(ObjectMissing):
        audio.open("k")
    with pytest.raises(ObjectMissing):
        audio.get_to_file("k", tmp_path / "k")


def test_a_link_opens_without_a_key_and_saves_under_its_name(audio: AudioStore) -> None:
    audio.put("k", DATA, "audio/mpeg")

    link = audio.presign("k", filename="對話.mp3")

    answer = httpx.get(link.url)
    assert (answer.status_code, answer.content) == (200, DATA)
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in link.url
    assert "X-Amz-Expires=900" in link.url


def test_a_forged_link_is_refused(audio: AudioStore) -> None:
    audio.put("k", DATA, "audio/mpeg")
    audio.put("another", b"not yours", "audio/mpeg")
    url = audio.presign("k", filename="k.mp3").url

    for forged in (
        url.replace("/k?", "/another?"),
        re.sub(r"(X-Amz-Signature=)....", r"\g<1>0000", url),
        url.replace("X-Amz-Expires=900", "X-Amz-Expires=604800"),
    ):
        assert httpx.get(forged).status_code == 403


def test_links_are_signed_for_the_host_that_clients_reach(object_store_settings: ObjectStoreSettings) -> None:
    public = object_store_settings.s3_endpoint_url.replace("127.0.0.1", "localhost")
    audio = AudioStore(object_store_settings.model_copy(update={"s3_public_url": public}))
    audio.put("k", DATA, "audio/mpeg")

    link = audio.presign("k", filename="k.mp3")

    assert link.url.startswith(f"{public}/")
    assert httpx.get(link.url).content == DATA
    # The host is part of what is signed: the same link on the other name is a forgery.
    assert httpx.get(link.url.replace("localhost", "127.0.0.1")).status_code == 403
    audio.close()


def test_a_bucket_is_made_once(object_store_settings: ObjectStoreSettings) -> None:
    audio = AudioStore(
        object_store_settings.model_copy(update={"s3_bucket": f"new-{object_store_settings.s3_bucket}"[:60]})
    )
    with pytest.raises(ObjectMissing):
        audio.check()

    for _ in range(2):
        audio.ensure_bucket()

    audio.check()
    audio.close()


def test_a_store_that_is_away_is_unavailable(object_store_settings: ObjectStoreSettings, tmp_path: Path) -> None:
    audio = AudioStore(object_store_settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:1"}))
    (tmp_path / "file").write_bytes(b"sound")

    for attempt in (
        audio.check,
        lambda: audio.put("k", b"sound", "audio/wav"),
        lambda: audio.put_file("k", tmp_path / "file", "audio/wav"),
        lambda: audio.delete("k"),
        lambda: audio.open("k"),
        lambda: list(audio.keys()),
    ):
        with pytest.raises(ObjectStoreUnavailable):
            attempt()
    audio.close()


def test_a_wrong_key_is_unavailable_in_the_stores_own_words(object_store_settings: ObjectStoreSettings) -> None:
    audio = AudioStore(object_store_settings.model_copy(update={"aws_secret_access_key": "wrong"}))

    with pytest.raises(ObjectStoreUnavailable, match="SignatureDoesNotMatch"):
        audio.put("k", b"sound", "audio/wav")
    audio.close()


@pytest.mark.parametrize("code", ["XMinioStorageFull", "QuotaExceeded"])
def test_a_full_store_is_told_from_one_that_is_away(
    audio: AudioStore, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def full(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no room"}}, "PutObject")

    monkeypatch.setattr(audio._client, "put_object", full)

    with pytest.raises(ObjectStoreFull, match="no room"):
        audio.put("k", b"sound", "audio/wav")


@pytest.mark.parametrize(
    ("filename", "plain", "encoded"),
    [
        ("demo.mp3", "demo.mp3", "demo.mp3"),
        ("對話.mp3", "__.mp3", "%E5%B0%8D%E8%A9%B1.mp3"),
        ('a"; x="b\r\nSet-Cookie: y', "a__ x__b__Set-Cookie_ y", "a%22%3B%20x%3D%22b%0D%0ASet-Cookie%3A%20y"),
    ],
)
def test_a_file_name_can_say_nothing_but_itself(filename: str, plain: str, encoded: str) -> None:
    header = content_disposition("attachment", filename)

    assert header == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
