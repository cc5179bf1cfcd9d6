"""The client on the real API: what it says, what it saves, and what it makes of errors and outages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from client import AsyncReadthrough, ClientError, Readthrough, Refused, Unreachable
from client import talks as talks_module
from embedded.object_store import ObjectStore
from embedded.ports import free_port
from service.settings import ServiceSettings
from storage.jobs import LOCAL_USER_ID
from tests.service_api import SCRIPT, Api, running_api, settings_of


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket), behind_socket=True) as made:
        yield made


@pytest.fixture
def client(api: Api) -> Iterator[Readthrough]:
    with Readthrough(str(api.client.base_url)) as made:
        yield made


def test_a_job_is_submitted_seen_listed_and_taken_back(client: Readthrough, api: Api) -> None:
    job = client.submit(SCRIPT)
    assert (job.status, job.has_ended, api.count_jobs()) == ("pending", False, 1)
    assert [listed.id for listed in client.jobs()] == [job.id]
    assert client.job(job.id).progress is not None
    assert client.cancel(job.id).status == "cancelled"
    assert client.wait(job.id).status == "cancelled"
    assert client.resubmit(job.id).id != job.id
    assert client.jobs(status="cancelled")[0].id == job.id


def test_audio_is_saved_whole_or_not_at_all(client: Readthrough, api: Api, tmp_path: Path) -> None:
    audio = bytes(range(256)) * 4000
    completed = api.completed(audio)
    assert client.download(completed, tmp_path / "a.mp3").read_bytes() == audio
    (tmp_path / "b.mp3").write_bytes(b"what was there")
    with pytest.raises(Refused) as refused:
        client.download(client.submit(SCRIPT).id, tmp_path / "b.mp3")
    assert (refused.value.status, refused.value.code) == (404, "JOB_NOT_COMPLETED")
    assert (tmp_path / "b.mp3").read_bytes() == b"what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp3", "b.mp3"]


def test_a_refusal_names_every_problem(client: Readthrough) -> None:
    with pytest.raises(Refused, match="turns") as refused:
        client.submit({**SCRIPT, "turns": [], "gap_ms": -1})
    assert refused.value.code == "VALIDATION_ERROR"
    assert "gap_ms" in str(refused.value)


def test_a_limit_of_jobs_is_told_at_once(client: Readthrough) -> None:
    for _ in range(3):
        client.submit(SCRIPT)
    with pytest.raises(Refused) as refused:
        client.submit(SCRIPT)
    assert (refused.value.code, refused.value.details["max_jobs"]) == ("JOB_LIMIT_EXCEEDED", 3)
    assert refused.value.retry_after_s is not None


def test_a_key_is_sent_and_a_missing_one_is_told(database_url: str, object_store: ObjectStore, bucket: str) -> None:
    settings = ServiceSettings(auth="api-key")
    with running_api(database_url, settings_of(object_store, bucket), settings=settings, behind_socket=True) as api:
        url = str(api.client.base_url)
        with Readthrough(url, api.stores.keys.create("mei")) as known:
            assert known.jobs() == []
        with Readthrough(url) as stranger, pytest.raises(Refused) as refused:
            stranger.jobs()
    assert refused.value.code == "UNAUTHENTICATED"


def test_a_script_is_cast_by_whom_nobody_has(client: Readthrough, api: Api) -> None:
    """It stays pending here: there is no worker."""
    with pytest.raises(Stop):
        client.speak("A: 你好\nB: 再見", provider="stub", voices={"B": "v-tw"}, on_progress=stop)
    (job,) = client.jobs()
    cast = client.job(job.id).raw["input_params"]["voice_assignments"]
    assert [(one["speaker"], one["voice_id"]) for one in cast] == [("A", "v-hk"), ("B", "v-tw")]


@pytest.mark.parametrize(
    ("script", "voices", "why"),
    [("", {}, "."), ("A: 你好", {"C": "v-tw"}, "nobody in the script is called C; there are A")],
    ids=["an empty one", "a stranger"],
)
def test_a_script_that_cannot_be_spoken_makes_no_job(
    client: Readthrough, api: Api, script: str, voices: dict[str, str], why: str
) -> None:
    with pytest.raises(ClientError, match=why):
        client.speak(script, provider="stub", voices=voices)
    assert api.count_jobs() == 0


def test_both_clients_say_the_same(api: Api, tmp_path: Path) -> None:
    completed = api.completed(b"sound")

    async def ask() -> None:
        async with AsyncReadthrough(str(api.client.base_url)) as client:
            assert (await client.job(completed)).status == "completed"
            assert (await client.wait(completed)).duration_ms == 5200
            assert (await client.download(completed, tmp_path / "a.mp3")).read_bytes() == b"sound"
            with pytest.raises(Refused):
                await client.download("nothing", tmp_path / "b.mp3")
            assert len(await client.voices("stub", "zh")) == 2

    asyncio.run(ask())
    public = {name for name in vars(Readthrough) if not name.startswith("_")}
    assert public == {name for name in vars(AsyncReadthrough) if not name.startswith("_")}


def test_an_answer_that_was_lost_makes_no_second_job(
    client: Readthrough, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talks_module, "WAITS_S", (0.01,) * 3)
    real, lost = httpx.Client.request, iter([True, True, False])

    def request(self: httpx.Client, *arguments: object, **options: object) -> httpx.Response:
        answer = real(self, *arguments, **options)  # type: ignore[arg-type]
        if next(lost, False):
            raise httpx.ReadError("the line is cut")
        return answer

    monkeypatch.setattr(httpx.Client, "request", request)
    job = client.submit(SCRIPT)
    assert api.count_jobs() == 1
    assert api.stores.jobs.get(LOCAL_USER_ID, api.published[0]).id.hex == job.id.replace("-", "")


def test_a_server_that_is_away_is_given_up_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talks_module, "WAITS_S", (0.01,) * 2)
    with (
        Readthrough(f"http://127.0.0.1:{free_port()}") as client,
        pytest.raises(Unreachable, match="cannot be reached"),
    ):
        client.jobs()


class Stop(Exception):
    """Enough was seen."""


def stop(_: object) -> None:
    raise Stop
