"""Calls that leave the house: while a vendor and the object store hang, everything else is answered as ever."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from actors.providers.provider import Line, ProviderError, Voice
from embedded.object_store import ObjectStore
from service.http.errors import ApiError
from service.http.outside import OutsideCalls
from service.settings import ServiceSettings
from storage.audio_store import AudioStore, StoredObject
from tests.service_api import SCRIPT, Api, StubProvider, running_api, settings_of

#: How many requests wait for what hangs.
WAITING = 100
#: More than any answer takes that waits for nothing, and far less than what hangs is waited for, in seconds.
AT_ONCE_S = 5.0


@dataclass
class Hung:
    """What hangs until it is released, and how many wait for it."""

    release: threading.Event = field(default_factory=threading.Event)
    entered: list[str] = field(default_factory=list)

    def wait(self, what: str) -> None:
        self.entered.append(what)
        self.release.wait()


@dataclass
class Mute(StubProvider):
    """A vendor that takes a call and does not answer."""

    hung: Hung = field(default_factory=Hung)

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        self.hung.wait("vendor")
        return super().voices(timeout_s)

    def speak(self, line: Line, timeout_s: float) -> bytes:
        raise ProviderError("is hoarse", permanent=False)


class MuteStore:
    """An object store that takes a request and does not answer."""

    def __init__(self, audio: AudioStore, hung: Hung) -> None:
        self._audio, self._hung = audio, hung

    def stat(self, key: str) -> StoredObject:
        self._hung.wait("store")
        return self._audio.stat(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._audio, name)


@pytest.fixture
def hung() -> Iterator[Hung]:
    hung = Hung()
    yield hung
    hung.release.set()


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str, hung: Hung) -> Iterator[Api]:
    with running_api(
        database_url,
        settings_of(object_store, bucket),
        providers=(StubProvider(), Mute("mute", hung=hung)),
        settings=ServiceSettings(auth="none"),
        wrap_audio=lambda audio: MuteStore(audio, hung),
        behind_socket=True,
    ) as running:
        yield running
        hung.release.set()


@contextmanager
def asked(api: Api, requests: Sequence[tuple[str, str]]) -> Iterator[list[httpx.Response]]:
    """All of these, each on a connection of its own, unanswered while the block runs; their answers after it."""
    answers: list[httpx.Response] = []
    many = httpx.Limits(max_connections=len(requests))

    def ask(method: str, path: str) -> None:
        answers.append(client.request(method, path, json=SCRIPT))

    with (
        httpx.Client(base_url=api.client.base_url, limits=many, timeout=60) as client,
        ThreadPoolExecutor(len(requests)) as people,
    ):
        for method, path in requests:
            people.submit(ask, method, path)
        yield answers


def wait_until(true: Any, what: str) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_a_hung_vendor_and_a_hung_object_store_hold_up_nobody_else(api: Api, hung: Hung) -> None:
    job_id = api.completed()
    outside = [
        ("GET", "/api/v1/providers/mute/voices"),
        ("POST", "/api/v1/providers/mute/voices/v-tw/preview"),
        ("GET", f"/api/v1/jobs/{job_id}/download-link"),
        ("HEAD", f"/api/v1/jobs/{job_id}/download"),
    ]
    with asked(api, outside * (WAITING // len(outside))) as answers:
        try:
            # All of the vendor's threads and of the queue before them are taken, and the store's threads.
            wait_until(lambda: answers and hung.entered.count("store") == 32, "they do not wait for what hangs")
            for method, path, body in (
                ("GET", "/api/v1/jobs", None),
                ("GET", f"/api/v1/jobs/{job_id}", None),
                ("POST", "/api/v1/jobs", SCRIPT),
                ("GET", "/api/v1/providers/stub/voices", None),
                ("GET", "/health/ready", None),
            ):
                began = time.monotonic()
                answer = api.client.request(method, path, json=body, timeout=AT_ONCE_S)
                print(f"{method} {path}: {(time.monotonic() - began) * 1000:.0f} ms")  # noqa: T201 # shown with -s
                assert answer.status_code in (200, 201), answer.text
        finally:
            hung.release.set()
    assert len(answers) == WAITING
    assert {answer.status_code for answer in answers} <= {200, 404, 503}


def test_more_than_may_wait_are_told_to_come_again() -> None:
    hung, calls = Hung(), OutsideCalls("place", at_once=1, waiting=1)

    async def ask() -> list[Any]:
        async def one() -> Any:
            return await calls.run(lambda: hung.wait("place"), 20)

        async def release() -> None:
            await asyncio.to_thread(wait_until, lambda: hung.entered, "nobody waits for what hangs")
            hung.release.set()

        return await asyncio.gather(*(one() for _ in range(4)), release(), return_exceptions=True)

    answers = asyncio.run(ask())
    calls.close()

    refused = [answer for answer in answers if isinstance(answer, ApiError)]
    assert [error.status for error in refused] == [503, 503]
    assert all(error.headers["Retry-After"] == "5" and error.details == {"unavailable": ["place"]} for error in refused)
    assert len(hung.entered) == 2


def test_who_gave_up_leaves_room_for_others() -> None:
    """What has not begun is not begun any more; what has begun keeps its place until it ends."""
    hung, calls = Hung(), OutsideCalls("place", at_once=1, waiting=1)

    async def ask() -> None:
        for _ in range(5):
            first, *others = await asyncio.gather(
                *(calls.run(lambda: hung.wait("place"), 0.05) for _ in range(2)), return_exceptions=True
            )
            assert isinstance(first, ApiError)
            assert all(isinstance(other, ApiError) for other in others)

    asyncio.run(ask())
    assert len(hung.entered) == 1
    hung.release.set()
    calls.close()


def test_the_threads_are_as_many_as_the_settings_say(database_url: str, object_store: ObjectStore, bucket: str) -> None:
    """With one thread, one request in hand holds up the next."""
    hung = Hung()

    class Checked(StubProvider):
        def check(self, script: Any) -> Any:
            hung.wait("check")
            return ()

    with (
        running_api(
            database_url,
            settings_of(object_store, bucket),
            providers=(Checked(),),
            settings=ServiceSettings(sync_threads=1),
            behind_socket=True,
        ) as api,
        asked(api, [("POST", "/api/v1/jobs")]),
    ):
        try:
            wait_until(lambda: hung.entered, "nobody is at work")
            with pytest.raises(httpx.ReadTimeout):
                api.client.get("/api/v1/jobs", timeout=0.5)
        finally:
            hung.release.set()
