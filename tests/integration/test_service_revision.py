"""Revising a job over HTTP: what of a finished job may be changed, and what the new job is asked to do."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from embedded.object_store import ObjectStore
from storage.jobs import LOCAL_USER_ID, FailureReason
from storage.stages import Stage
from tests.service_api import SCRIPT, Api, running_api, settings_of

TEXTS = [turn["text"] for turn in SCRIPT["turns"]]


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket)) as running:
        yield running


def failed(api: Api) -> str:
    """The id of a job that has failed."""
    job_id = api.submit()
    claim = api.stores.runs.claim(UUID(job_id), Stage.SYNTHESIZING)
    assert claim is not None
    api.stores.runs.fail(claim, FailureReason.PROVIDER_FAILED, "HTTP 500")
    return job_id


def revise(api: Api, job_id: str, *turns: dict[str, Any]) -> Any:
    return api.client.post(f"/api/v1/jobs/{job_id}/revise", json={"turns": turns})


def detail(api: Api, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['id']}"
    return api.client.get(answer.headers["location"]).json()


def takes(api: Api, job_id: str) -> dict[int, str]:
    claim = api.stores.runs.claim(UUID(job_id), Stage.SYNTHESIZING)
    assert claim is not None
    return dict(claim.takes)


def problems(answer: Any) -> list[str]:
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR"), answer.text
    return [problem["field"] for problem in answer.json()["details"]["problems"]]


def test_a_changed_line_makes_a_new_job_of_a_completed_one(api: Api) -> None:
    job_id = api.completed()

    revised = detail(api, revise(api, job_id, {"index": 1, "text": "不要。"}))

    assert (revised["status"], revised["revised_from"], revised["resubmitted_from"]) == ("pending", job_id, None)
    before = api.client.get(f"/api/v1/jobs/{job_id}").json()
    assert before["revised_from"] is None
    turns = [dict(SCRIPT["turns"][0]), {**SCRIPT["turns"][1], "text": "不要。"}]
    assert revised["input_params"] == {**before["input_params"], "turns": turns}
    assert [str(job) for job in api.published] == [revised["id"]]


def test_a_failed_job_is_revised_too(api: Api) -> None:
    job_id = failed(api)

    assert detail(api, revise(api, job_id, {"index": 0, "text": "喂？"}))["revised_from"] == job_id


def test_one_line_is_spoken_in_another_voice_and_the_speaker_keeps_theirs(api: Api) -> None:
    job_id = api.completed()

    revised = detail(api, revise(api, job_id, {"index": 0, "voice_id": "v-en"}))

    params = revised["input_params"]
    assert [turn.get("voice_id") for turn in params["turns"]] == ["v-en", None]
    assert [given["voice_id"] for given in params["voice_assignments"]] == ["v-tw", "v-hk"]
    api.client.delete(f"/api/v1/jobs/{revised['id']}")
    assert api.client.post("/api/v1/jobs", json=params).status_code == 201


def test_the_speakers_own_voice_takes_the_other_one_back(api: Api) -> None:
    other = detail(api, revise(api, api.completed(), {"index": 0, "voice_id": "v-en"}))["id"]
    claim = api.stores.runs.claim(UUID(other), Stage.SYNTHESIZING)
    assert claim is not None
    api.stores.runs.fail(claim, FailureReason.INTERNAL)

    revised = detail(api, revise(api, other, {"index": 0, "voice_id": "v-tw"}))

    assert "voice_id" not in revised["input_params"]["turns"][0]


def test_a_take_stays_with_its_line_until_the_line_is_changed(api: Api) -> None:
    first = detail(api, revise(api, api.completed(), {"index": 0, "speak_again": True}, {"index": 1, "text": "好"}))
    assert first["input_params"]["turns"][0] == SCRIPT["turns"][0]
    assert "take" not in str(first["input_params"])
    claim = api.stores.runs.claim(UUID(first["id"]), Stage.SYNTHESIZING)
    assert claim is not None
    assert list(claim.takes) == [0]
    api.stores.runs.fail(claim, FailureReason.INTERNAL)

    again = api.client.post(f"/api/v1/jobs/{first['id']}/resubmit").json()["id"]
    kept = detail(api, revise(api, first["id"], {"index": 1, "text": "不"}))["id"]
    changed = detail(api, revise(api, first["id"], {"index": 0, "text": "不"}))["id"]

    assert takes(api, again) == takes(api, kept) == claim.takes
    assert takes(api, changed) == {}


def test_a_line_that_is_spoken_again_twice_has_another_take_each_time(api: Api) -> None:
    job_id = api.completed()
    first, second = (detail(api, revise(api, job_id, {"index": 0, "speak_again": True}))["id"] for _ in range(2))

    assert takes(api, first) != takes(api, second)


@pytest.mark.parametrize("status", ["pending", "processing", "cancelled"])
def test_only_a_completed_or_failed_job_is_revised(api: Api, status: str) -> None:
    job_id = api.submit()
    if status == "processing":
        api.stores.runs.claim(UUID(job_id), Stage.SYNTHESIZING)
    if status == "cancelled":
        api.client.delete(f"/api/v1/jobs/{job_id}")

    answer = revise(api, job_id, {"index": 0, "text": "好"})

    assert (answer.status_code, answer.json()["error"]) == (409, "JOB_CANNOT_REVISE")
    assert answer.json()["details"] == {"status": status}


def test_a_job_that_there_is_not_is_not_revised(api: Api, another_user: UUID) -> None:
    for job_id in (str(uuid4()), "x", api.completed(user_id=another_user)):
        answer = revise(api, job_id, {"index": 0, "text": "好"})
        assert (answer.status_code, answer.json()["error"]) == (404, "JOB_NOT_FOUND")


def test_a_revision_takes_a_slot_as_any_other_job(api: Api) -> None:
    job_id = api.completed()
    for _ in range(3):
        api.submit()

    answer = revise(api, job_id, {"index": 0, "text": "好"})

    assert (answer.status_code, answer.json()["error"]) == (429, "JOB_LIMIT_EXCEEDED")
    assert api.stores.lists.page(LOCAL_USER_ID, limit=1).total == 4


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["turns"]),
        ([], ["body"]),
        ({"turns": []}, ["turns"]),
        ({"turns": "all"}, ["turns"]),
        ({"turns": [{"index": 0, "text": "好"}], "language": "en"}, ["language"]),
        ({"turns": [{"text": "好"}]}, ["turns[0].index"]),
        ({"turns": [{"index": 0}]}, ["turns[0]"]),
        ({"turns": [{"index": 0, "speak_again": False}]}, ["turns[0]"]),
        ({"turns": [{"index": 0, "speak_again": "yes"}]}, ["turns[0].speak_again"]),
        ({"turns": [{"index": 0, "speaker": "B"}]}, ["turns[0].speaker"]),
        ({"turns": [{"index": 2, "text": "好"}, {"index": -1, "text": "好"}]}, ["turns[0].index", "turns[1].index"]),
        ({"turns": [{"index": 1, "text": "好"}] * 2}, ["turns[0].index", "turns[1].index"]),
        ({"turns": [{"index": True, "text": "好"}]}, ["turns[0].index"]),
        (
            {"turns": [{"index": 1, "text": " "}, {"index": 0, "voice_id": "nobody", "text": "x" * 501}]},
            ["turns[0].text", "turns[1].text", "turns[1].voice_id"],
        ),
        (
            {"turns": [{"index": 0, "text": "\0"}, {"index": 1, "voice_id": ""}]},
            ["turns[0].text", "turns[1].voice_id"],
        ),
        ({"turns": [{"index": 1, "text": "x" * 100_000}]}, ["turns", "turns[0].text"]),
    ],
)
def test_every_problem_of_a_revision_is_named_where_it_is(api: Api, body: Any, fields: list[str]) -> None:
    answer = api.client.post(f"/api/v1/jobs/{api.completed()}/revise", json=body)

    assert sorted(problems(answer)) == fields
    assert api.count_jobs() == 1


def test_a_job_whose_provider_is_gone_says_so(database_url: str, object_store: ObjectStore, bucket: str) -> None:
    with running_api(database_url, settings_of(object_store, bucket)) as api:
        job_id = api.completed()
    with running_api(database_url, settings_of(object_store, bucket), providers=()) as without:
        answer = revise(without, job_id, {"index": 0, "text": "好"})

    assert (answer.status_code, answer.json()["error"]) == (400, "UNKNOWN_PROVIDER")
    assert answer.json()["details"]["problems"][0]["field"] == "input_params.provider"
