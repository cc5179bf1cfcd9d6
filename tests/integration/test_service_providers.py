"""Providers, voices and dialogues over HTTP."""

from collections.abc import Iterator

import pytest

from actors.providers.provider import ProviderError
from embedded.object_store import ObjectStore
from tests.service_api import Api, StubProvider, running_api, settings_of

AWAY = ProviderError("HTTP 503: {busy}", permanent=False, retry_after_s=12)


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
        "output_formats": ["mp3", "wav"],
        "advanced_features": ["styles"],
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


def test_a_dialogue_is_parsed(api: Api) -> None:
    answer = api.client.post("/api/v1/dialogues/parse", json={"dialogue_text": "A: 你好\n\n[Host]：Hello"})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "turns": [
                {"speaker": "A", "text": "你好", "index": 0},
                {"speaker": "Host", "text": "Hello", "index": 1},
            ],
            "speakers": ["A", "Host"],
            "total_characters": 7,
            "is_valid": True,
            "error": None,
        },
    )


@pytest.mark.parametrize("text", ["", "沒有角色", "x" * 200_000, "\n".join(f"S{n}: 好" for n in range(2000))])
def test_a_dialogue_that_is_not_fit_for_a_job_is_no_error_of_the_request(api: Api, text: str) -> None:
    zh = api.client.post("/api/v1/dialogues/parse", json={"dialogue_text": text})
    en = api.client.post("/api/v1/dialogues/parse", json={"dialogue_text": text}, headers={"Accept-Language": "en"})
    assert (zh.status_code, zh.json()["is_valid"]) == (200, False)
    assert not zh.json()["error"].isascii()
    assert en.json()["error"].isascii()
