"""POST /jobs/quote: what it says, and that what it says is what then happens."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from actors.providers.provider import ProviderError
from actors.settings import WorkSettings
from embedded.object_store import ObjectStore
from service.requests.job_request import script_of
from service.requests.quote import quote_of
from service.resources import Resources
from service.settings import Price, ServiceSettings
from storage.jobs import LOCAL_USER_ID
from storage.lexicon import Pronunciation
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings
from storage.stores import Stores
from storage.tables import job_turns
from tests.integration.studio import Rehearsal, rehearsal
from tests.service_api import SCRIPT, Api, StubProvider, running_api, settings_of

JOBS = 200
URL = "/api/v1/jobs/quote"
EN = {"Accept-Language": "en"}

PHRASES = ["好的", "你好嗎", "再見", "我很好，謝謝", "Wait a moment", "SQL 是什麼", "去重慶", "No."]
MARKS = ["[pause 50ms]", "[pause 0.1s]", "（大笑）", "[whispering] ", "（開心）", " (laughs) ", "，", "。", " "]


@pytest.fixture
def roomy(database: DatabaseSettings, object_store_settings: ObjectStoreSettings) -> Iterator[Stores]:
    """Stores for a user who may have any number of jobs: they are spoken here, and not joined."""
    made = Stores.make(database, object_store_settings, RuleSettings(max_active_jobs=JOBS + 1), pool_size=20)
    yield made
    made.close()


@pytest.fixture
def stage(roomy: Stores) -> Iterator[Rehearsal]:
    with rehearsal(roomy, WorkSettings(turns_at_once=4)) as made:
        yield made


def random_body(chance: random.Random) -> dict[str, Any]:
    """A job of a few lines of a few phrases, so that much is said twice, in directions of every kind."""
    turns = [
        {"speaker": chance.choice("AB"), "text": _random_text(chance), "index": index, **_random_manner(chance)}
        for index in range(chance.randint(1, 6))
    ]
    speakers = dict.fromkeys(turn["speaker"] for turn in turns)
    cast = [{"speaker": speaker, "voice_id": chance.choice(["alloy", "onyx"])} for speaker in speakers]
    return {"provider": "openai", "turns": turns, "voice_assignments": cast}


def _random_text(chance: random.Random) -> str:
    parts = [chance.choice(PHRASES)]
    for _ in range(chance.randint(0, 3)):
        parts += [chance.choice(MARKS), chance.choice(PHRASES)]
    return "".join(parts)


def _random_manner(chance: random.Random) -> dict[str, Any]:
    return chance.choice([{}, {}, {}, {"speed": 1.25}, {"style": "sad"}, {"voice_id": "echo"}])


def cost(stores: Stores, job_id: Any) -> tuple[int, int]:
    """(billed, cached) characters of what is spoken of a job: what its `result_metadata` is made of."""
    sums = select(func.sum(job_turns.c.billed_characters), func.sum(job_turns.c.cached_characters))
    with stores.engine.connect() as connection:
        billed, cached = connection.execute(sums.where(job_turns.c.job_id == job_id)).one()
    return billed, cached


def test_two_hundred_random_jobs_cost_what_was_said_before(stage: Rehearsal) -> None:
    chance = random.Random(200)  # noqa: S311 - the same jobs each time
    stores, providers = stage.stores, stage.studio.providers
    resources = Resources(stores, providers, lambda _job_id: None, lambda: None)
    seen: set[str] = set()
    for number in range(JOBS):
        if number % 40 == 0:
            said = f"念法{number}"
            stores.lexicons.put(LOCAL_USER_ID, [Pronunciation("重慶", said), Pronunciation("SQL", "sequel")])
        body = random_body(chance)
        quoted = quote_of(body, resources, (), LOCAL_USER_ID, "en")
        assert quoted.valid, quoted.problems
        assert quoted.characters
        job_id = stage.submit(script_of(body, providers, stores.lexicons.all_of(LOCAL_USER_ID)))
        stage.synthesize(job_id)
        assert stage.job(job_id).turns_done == len(body["turns"]), stage.job(job_id).error_detail
        billed, cached = cost(stores, job_id)
        assert (quoted.characters.billed, quoted.characters.cached) == (billed, cached), body
        assert quoted.characters.total == billed + cached
        seen |= {kind for kind, there in (("new", billed), ("cached", cached), ("both", billed and cached)) if there}
    assert seen == {"new", "cached", "both"}


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    settings = ServiceSettings(auth="none", prices=(Price("stub", Decimal("15.5"), "USD"),))
    providers = (StubProvider(), StubProvider("free"), StubProvider("away", refusal=ProviderError("", permanent=True)))
    with running_api(
        database_url, settings_of(object_store, bucket), providers=providers, settings=settings
    ) as running:
        yield running


def test_a_quote_says_what_the_job_would_be_and_keeps_nothing(api: Api) -> None:
    quoted = api.client.post(URL, json=SCRIPT)
    assert quoted.status_code == 200
    body = quoted.json()
    assert 3_000 < body.pop("estimated_duration_ms") < 9_000
    characters = sum(len(turn["text"]) for turn in SCRIPT["turns"])
    assert body == {
        "valid": True,
        "problems": [],
        "warnings": [],
        "characters": {"total": characters, "cached": 0, "billed": characters},
        "estimated_wait_ms": 0,
        "prices": [{"provider": "stub", "characters": characters, "amount": 0.000372, "currency": "USD"}],
    }
    assert api.count_jobs() == 0
    assert api.published == []


def test_what_would_be_refused_is_told_as_a_submit_would_tell_it(api: Api) -> None:
    turns = [{**SCRIPT["turns"][0], "text": "好" * 501}, SCRIPT["turns"][1]]
    body = {**SCRIPT, "turns": turns, "gap_ms": -1}
    quoted = api.client.post(URL, json=body, headers=EN).json()
    refused = api.client.post("/api/v1/jobs", json=body, headers=EN).json()
    assert quoted == {
        "valid": False,
        "problems": refused["details"]["problems"],
        "warnings": [],
        "characters": None,
        "estimated_duration_ms": None,
        "estimated_wait_ms": None,
        "prices": [],
    }
    assert [problem["field"] for problem in quoted["problems"]] == ["gap_ms", "turns[0].text"]
    unknown = api.client.post(URL, json={**SCRIPT, "provider": "nobody"}).json()
    assert [problem["field"] for problem in unknown["problems"]] == ["provider"]


@pytest.mark.parametrize("body", ["[]", "1", "null", '"x"', "{", "NaN"])
def test_only_what_is_no_object_is_an_error(api: Api, body: str) -> None:
    answer = api.client.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")


def test_warnings_are_those_of_the_job_and_that_there_is_no_room_for_it(api: Api) -> None:
    body = {**SCRIPT, "turns": [{**SCRIPT["turns"][0], "style": "sad"}, SCRIPT["turns"][1]]}
    accepted, *_ = [api.client.post("/api/v1/jobs", json=body, headers=EN).json() for _ in range(3)]
    quoted = api.client.post(URL, json=body, headers=EN).json()
    assert quoted["valid"]
    full, *others = quoted["warnings"]
    assert full["message"].startswith("3 jobs are under way, and 3 are allowed")
    assert others == accepted["warnings"] != []


def test_a_provider_without_a_price_has_none(api: Api) -> None:
    assert api.client.post(URL, json={**SCRIPT, "provider": "free"}).json()["prices"] == []


def test_the_wait_is_that_of_the_jobs_before(api: Api) -> None:
    api.submit()
    with api.stores.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET created_at = created_at - interval '90 s'")
    waiting = api.client.post(URL, json=SCRIPT).json()["estimated_wait_ms"]
    assert 90_000 <= waiting < 150_000
    with api.stores.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET created_at = created_at - interval '1 day'")
    assert api.client.post(URL, json=SCRIPT).json()["estimated_wait_ms"] == 0


def test_gaps_pauses_and_speed_are_part_of_the_length(api: Api) -> None:
    def length_ms(text: str = "你好", **more: Any) -> int:
        turns = [{**turn, "text": text} for turn in SCRIPT["turns"]]
        quoted = api.client.post(URL, json={**SCRIPT, "turns": turns, "gap_ms": 0, "crossfade_ms": 0, **more}).json()
        return quoted["estimated_duration_ms"]

    plain = length_ms()
    assert length_ms(gap_ms=700) == plain + 700
    assert length_ms("你好[pause 2s]") == plain + 4000
    assert length_ms(crossfade_ms=500) < plain
    faster = [{**given, "speed": 1.2} for given in SCRIPT["voice_assignments"]]
    assert length_ms(voice_assignments=faster) == pytest.approx(plain / 1.2, abs=2)
