"""Providers, voices and dialogues over HTTP."""

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import av
import pytest

from actors.providers.provider import Line, ProviderError, Voice
from embedded.object_store import ObjectStore
from service.routes import providers as service_providers
from tests.service_api import Api, StubProvider, running_api, settings_of
from tests.standins import tone

AWAY = ProviderError("HTTP 503: {busy}", permanent=False, retry_after_s=12)


@dataclass
class Speaking(StubProvider):
    """Says a tone, late or not at all if told so."""

    after_s: float = 0
    is_mute: bool = False
    is_permanent: bool = False

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        return [*super().voices(timeout_s), Voice("a+b (2)", "Mixed", "mul"), Voice("中文女", "女", "zh")]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        if self.is_mute:
            raise ProviderError("HTTP 500: {sorry}", permanent=self.is_permanent)
        time.sleep(self.after_s)  # lint: allow fixed-sleep: a vendor that is slow, not a test that waits
        return tone.wav(line.text, line.voice_id)


@pytest.fixture
def speaking(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    providers = (
        Speaking(),
        Speaking("mute", is_mute=True),
        Speaking("slow", after_s=1.5),
        Speaking("refusing", is_mute=True, is_permanent=True),
        Speaking("closed", refusal=ProviderError("HTTP 401: {no}", permanent=True)),
        Speaking("unset", missing_settings=("UNSET_KEY",)),
        Speaking("away", refusal=AWAY),
    )
    with running_api(database_url, settings_of(object_store, bucket), providers=providers) as running:
        yield running


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    providers = (
        StubProvider(advanced_features=("styles",)),
        StubProvider("crowd", max_speakers=50, character_limit=10),
        StubProvider("unset", missing_settings=("UNSET_KEY",)),
        StubProvider("away", refusal=AWAY),
    )
    with running_api(database_url, settings_of(object_store, bucket), providers=providers) as running:
        yield running


def test_every_provider_says_what_it_can_do(api: Api) -> None:
    items = {item["name"]: item for item in api.client.get("/api/v1/providers").json()["items"]}
    assert items["stub"] == {
        "name": "stub",
        "configured": True,
        "synthesis_mode": "segmented",
        "max_speakers": 6,
        "character_limit": 100_000,
        "output_formats": ["mp3", "wav", "ogg", "flac", "m4a"],
        "advanced_features": ["styles"],
        "missing_settings": [],
        "styles": ["cheerful"],
        "takes_any_style": False,
    }
    assert (items["crowd"]["max_speakers"], items["crowd"]["character_limit"]) == (6, 10)
    assert items["unset"]["configured"] is False


@pytest.mark.parametrize(
    ("query", "voices"),
    [
        ("", ["v-tw", "v-hk", "v-en"]),
        ("?language=", ["v-tw", "v-hk", "v-en"]),
        ("?language=zh", ["v-tw", "v-hk"]),
        ("?language=ZH-tw", ["v-tw"]),
        ("?language=en", ["v-en"]),
        ("?language=en-US", ["v-en"]),
        ("?language=z", []),
        ("?language=fr", []),
        ("?language=%00%ff", []),
    ],
)
def test_voices_are_listed_by_language(api: Api, query: str, voices: list[str]) -> None:
    answer = api.client.get(f"/api/v1/providers/stub/voices{query}")
    assert [item["voice_id"] for item in answer.json()["items"]] == voices


def test_a_voice_has_a_gender_when_it_is_known(api: Api) -> None:
    items = api.client.get("/api/v1/providers/stub/voices").json()["items"]
    assert items[0] == {"voice_id": "v-tw", "voice_name": "曉雨", "language": "zh-TW", "gender": "female"}
    assert items[1]["gender"] is None


def test_a_provider_that_there_is_not_has_no_voices(api: Api) -> None:
    answer = api.client.get("/api/v1/providers/nobody/voices")
    assert (answer.status_code, answer.json()["error"]) == (404, "UNKNOWN_PROVIDER")


def test_a_provider_that_is_not_configured_has_no_voices_yet(api: Api) -> None:
    answer = api.client.get("/api/v1/providers/unset/voices")
    assert (answer.status_code, answer.json()["error"]) == (409, "PROVIDER_NOT_CONFIGURED")
    assert answer.json()["details"] == {"missing_settings": ["UNSET_KEY"]}


def test_a_vendor_that_fails_is_told_as_away(api: Api) -> None:
    answer = api.client.get("/api/v1/providers/away/voices")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "12"
    assert answer.json() == {
        "error": "SERVICE_UNAVAILABLE",
        "message": "無法取得語音清單：HTTP 503: {busy}",
        "details": {"unavailable": ["away"]},
    }


@pytest.mark.parametrize("voice_id", ["v-tw", "a+b (2)", "中文女"])
def test_a_voice_is_heard(speaking: Api, voice_id: str) -> None:
    answer = speaking.client.post(f"/api/v1/providers/stub/voices/{quote(voice_id, safe='')}/preview")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
    with av.open(io.BytesIO(answer.content)) as container:
        assert container.format.name == "mp3"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nobody/voices/v-tw", 404, "UNKNOWN_PROVIDER"),
        ("unset/voices/v-tw", 409, "PROVIDER_NOT_CONFIGURED"),
        ("stub/voices/nobody", 404, "VOICE_NOT_FOUND"),
        ("stub/voices/v-tw%00", 404, "VOICE_NOT_FOUND"),
        ("away/voices/v-tw", 503, "SERVICE_UNAVAILABLE"),
        ("mute/voices/v-tw", 503, "SERVICE_UNAVAILABLE"),
        ("refusing/voices/v-tw", 409, "PROVIDER_REJECTED"),
        ("closed/voices/v-tw", 409, "PROVIDER_REJECTED"),
    ],
)
def test_what_cannot_be_heard_is_told_why(speaking: Api, path: str, status: int, code: str) -> None:
    answer = speaking.client.post(f"/api/v1/providers/{path}/preview", headers={"Accept-Language": "en"})

    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert ("retry-after" in answer.headers) == (status == 503)
    if path.startswith("mute"):
        assert answer.json()["message"] == "The voice cannot be heard: HTTP 500: {sorry}"
        assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize("language", ["not+one", ""])
def test_a_preview_in_no_language_is_refused(speaking: Api, language: str) -> None:
    answer = speaking.client.post(f"/api/v1/providers/stub/voices/v-tw/preview?language={language}")

    assert (answer.status_code, answer.json()["details"]["problems"][0]["field"]) == (400, "language")


def test_a_vendor_that_takes_too_long_is_not_waited_for(speaking: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_providers, "PREVIEW_TIMEOUT_S", 0.01)

    answer = speaking.client.post("/api/v1/providers/slow/voices/v-tw/preview")

    assert (answer.status_code, answer.json()["message"]) == (503, "無法試聽：語音服務太久沒有回應")


def test_a_user_hears_so_many_previews_a_minute(speaking: Api) -> None:
    path = "/api/v1/providers/stub/voices/v-tw/preview"
    answers = [speaking.client.post(path) for _ in range(service_providers.PREVIEWS_PER_MINUTE + 5)]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert answers[service_providers.PREVIEWS_PER_MINUTE - 1].status_code == 200
    assert refused[0].json()["error"] == "RATE_LIMITED"
    assert int(refused[0].headers["retry-after"]) >= 1
    assert speaking.client.get("/api/v1/providers").status_code == 200
