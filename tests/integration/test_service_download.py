"""The audio over HTTP: whole, in parts, by link; and what is left behind when a client goes away."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from embedded.object_store import ObjectStore
from storage.audio_store import AudioStore
from storage.jobs import LOCAL_USER_ID
from tests.service_api import Api, running_api, settings_of

AUDIO = bytes(range(256)) * 1000


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket)) as running:
        yield running


@pytest.fixture
def served(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket), behind_socket=True) as running:
        yield running


def wait_until(true: Callable[[], bool], timeout_s: float = 10) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.01)


def object_key(api: Api, job_id: str) -> str:
    audio = api.stores.jobs.audio_file(api.stores.jobs.get(LOCAL_USER_ID, UUID(job_id)))
    assert audio is not None
    return audio.object_key


def test_the_whole_audio_comes_with_what_a_client_needs_to_save_it(api: Api) -> None:
    job_id = api.completed(AUDIO)
    answer = api.client.get(f"/api/v1/jobs/{job_id}/download")
    assert answer.status_code == 200
    assert answer.content == AUDIO
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["content-length"] == str(len(AUDIO))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="readthrough-{job_id}.mp3"')
    assert re.fullmatch(r'"[0-9a-f-]{36}"', answer.headers["etag"])
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_player_gets_it_inline(api: Api) -> None:
    url = f"/api/v1/jobs/{api.completed()}/download"
    assert api.client.get(f"{url}?disposition=inline").headers["content-disposition"].startswith("inline;")
    bad = api.client.get(f"{url}?disposition=evil%0d%0aX: y")
    assert (bad.status_code, bad.json()["details"]["problems"][0]["field"]) == (400, "disposition")


def test_head_has_the_same_headers_and_no_body(served: Api) -> None:
    url = f"/api/v1/jobs/{served.completed(AUDIO)}/download"
    head, got = served.client.head(url, headers={"Range": "bytes=0-1"}), served.client.get(url)
    assert (head.status_code, head.content) == (200, b"")
    names = ("content-type", "content-length", "etag", "accept-ranges", "content-disposition")
    assert all(head.headers[name] == got.headers[name] for name in names)


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [("bytes=0-9", 0, 9), ("bytes=255990-", 255_990, 255_999), ("bytes=-3", 255_997, 255_999), ("bytes=9-9", 9, 9)],
)
def test_a_range_is_answered_with_its_part(api: Api, header: str, start: int, end: int) -> None:
    answer = api.client.get(f"/api/v1/jobs/{api.completed(AUDIO)}/download", headers={"Range": header})
    assert answer.status_code == 206
    assert answer.content == AUDIO[start : end + 1]
    assert answer.headers["content-range"] == f"bytes {start}-{end}/256000"
    assert answer.headers["content-length"] == str(end - start + 1)


@pytest.mark.parametrize("header", ["bytes=256000-", "bytes=-0", "bytes=x-y", "bytes=5-1"])
def test_a_bad_range_is_refused_with_the_size(api: Api, header: str) -> None:
    answer = api.client.get(f"/api/v1/jobs/{api.completed(AUDIO)}/download", headers={"Range": header})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */256000"
    assert answer.json()["error"] == "RANGE_NOT_SATISFIABLE"


@pytest.mark.parametrize("header", ["bytes=0-1,4-5", "chapters=1-2"])
def test_several_ranges_and_other_units_get_the_whole(api: Api, header: str) -> None:
    answer = api.client.get(f"/api/v1/jobs/{api.completed()}/download", headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, b"0123456789")


def test_a_range_that_is_meant_for_other_bytes_gets_the_whole(api: Api) -> None:
    url = f"/api/v1/jobs/{api.completed()}/download"
    etag = api.client.get(url).headers["etag"]
    for if_range, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200), ("Tue, 20 Jan 2026 10:30:00 GMT", 200)):
        answer = api.client.get(url, headers={"Range": "bytes=0-1", "If-Range": if_range})
        assert answer.status_code == status


def test_a_client_that_has_it_is_told_so(api: Api) -> None:
    url = f"/api/v1/jobs/{api.completed()}/download"
    etag = api.client.get(url).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = api.client.get(url, headers={"If-None-Match": known, "Range": "bytes=99-"})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert api.client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["download", "download-link"])
def test_a_job_without_audio_says_what_it_is(api: Api, path: str) -> None:
    answer = api.client.get(f"/api/v1/jobs/{api.submit()}/{path}")
    assert answer.status_code == 404
    assert answer.json() == {"error": "JOB_NOT_COMPLETED", "message": "音檔尚未完成", "details": {"status": "pending"}}


@pytest.mark.parametrize("path", ["download", "download-link"])
@pytest.mark.parametrize("lost", ["object", "row"])
def test_audio_that_is_gone_is_said_to_be(api: Api, path: str, lost: str) -> None:
    job_id = api.completed()
    if lost == "object":
        api.stores.audio.delete(object_key(api, job_id))
    else:
        with api.stores.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE jobs SET audio_file_id = NULL")
    answer = api.client.get(f"/api/v1/jobs/{job_id}/{path}")
    assert (answer.status_code, answer.json()["error"]) == (410, "AUDIO_EXPIRED")
    assert api.client.head(f"/api/v1/jobs/{job_id}/download").status_code == 410


def test_the_link_is_good_for_a_plain_client(api: Api) -> None:
    job_id = api.completed(AUDIO)
    link = api.client.get(f"/api/v1/jobs/{job_id}/download-link").json()
    assert set(link) == {"url", "expires_at"}
    left_s = (datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)).total_seconds()
    assert 14 * 60 < left_s <= 15 * 60
    answer = httpx.get(link["url"])
    assert answer.content == AUDIO
    assert f"readthrough-{job_id}.mp3" in answer.headers["content-disposition"]


class CountingStore:
    """The audio of a store, as an endless stream that knows whether it is open."""

    def __init__(self, store: AudioStore) -> None:
        self._store = store
        self.open_streams = 0
        self.chunks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self.open_streams += 1
        try:
            while True:
                self.chunks += 1
                yield bytes(65_536)
        finally:
            self.open_streams -= 1


@pytest.fixture
def endless(
    database_url: str, object_store: ObjectStore, bucket: str
) -> Iterator[tuple[CountingStore, Callable[[], socket.socket]]]:
    """Audio that never ends, and how to begin to download it."""
    counting: list[CountingStore] = []

    def counted(store: AudioStore) -> Any:
        counting.append(CountingStore(store))
        return counting[0]

    store = settings_of(object_store, bucket)
    with running_api(database_url, store, wrap_audio=counted, behind_socket=True) as api:
        job_id = api.completed(AUDIO)
        with api.stores.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE audio_files SET size_bytes = 1000000000")

        def download() -> socket.socket:
            client = socket.create_connection((api.client.base_url.host, api.client.base_url.port or 80))
            client.sendall(f"GET /api/v1/jobs/{job_id}/download HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return client

        yield counting[0], download


@pytest.mark.parametrize("goes_away_after_bytes", [0, 1, 3_000_000])
def test_a_client_that_goes_away_leaves_nothing_open(
    endless: tuple[CountingStore, Callable[[], socket.socket]], goes_away_after_bytes: int
) -> None:
    store, download = endless
    with download() as client:
        got = 0
        while got < goes_away_after_bytes:
            got += len(client.recv(1 << 16))
        wait_until(lambda: store.open_streams == 1)
    wait_until(lambda: store.open_streams == 0)
    assert store.chunks < 1000, "it was read on for nobody"


def test_a_client_that_takes_no_more_is_given_up(
    endless: tuple[CountingStore, Callable[[], socket.socket]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.routes.download.STALLED_CLIENT_S", 0.2)
    store, download = endless
    with download():
        wait_until(lambda: store.open_streams == 1)
        wait_until(lambda: store.open_streams == 0)
    assert store.chunks < 1000


def test_a_store_that_breaks_off_cuts_the_answer_short(served: Api) -> None:
    job_id = served.completed(AUDIO)
    with served.stores.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audio_files SET size_bytes = size_bytes + 1000000")
    with pytest.raises(httpx.RemoteProtocolError):
        served.client.get(f"/api/v1/jobs/{job_id}/download")


def test_large_audio_comes_whole_to_several_clients_at_once(served: Api) -> None:
    large = AUDIO * 40
    url = f"/api/v1/jobs/{served.completed(large)}/download"
    got: list[bool] = []
    threads = [threading.Thread(target=lambda: got.append(served.client.get(url).content == large)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [True] * 8
