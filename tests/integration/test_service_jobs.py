"""Jobs over HTTP: submit, list, look at, cancel, resubmit."""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from actors.providers.provider import Voice
from embedded.object_store import ObjectStore
from storage.jobs import LOCAL_USER_ID, FailureReason
from storage.stages import Stage
from tests.service_api import SCRIPT, VOICES, Api, StubProvider, running_api, script_from, settings_of

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket)) as running:
        yield running


def fail(api: Api, job_id: str, reason: FailureReason, detail: str | None = None) -> None:
    claim = api.stores.runs.claim(UUID(job_id), Stage.SYNTHESIZING)
    assert claim is not None
    api.stores.runs.fail(claim, reason, detail)


def test_a_dialogue_is_accepted_and_handed_to_the_publisher(api: Api) -> None:
    answer = api.client.post("/api/v1/jobs", json=SCRIPT)
    job = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert UUID(job["id"]).version == 7
    assert TIME.fullmatch(job.pop("created_at"))
    assert job == {
        "id": str(api.published[0]),
        "status": "pending",
        "job_type": "multi_role_tts",
        "provider": "stub",
        "started_at": None,
        "completed_at": None,
        "warnings": [],
    }


def test_speed_and_style_are_kept_and_what_the_provider_has_not_is_a_warning(api: Api) -> None:
    first, second = SCRIPT["turns"]
    body = {
        **SCRIPT,
        "turns": [{**first, "speed": 1.1004, "style": "cheerful"}, {**second, "style": "低語"}],
        "voice_assignments": [{**SCRIPT["voice_assignments"][0], "speed": 2}, SCRIPT["voice_assignments"][1]],
    }
    answer = api.client.post("/api/v1/jobs", json=body, headers={"Accept-Language": "en"})
    assert answer.status_code == 201
    accepted = answer.json()
    assert accepted["warnings"] == [
        {"field": "turns[1].style", "message": "stub has no style “低語”: it is left out"},
        {
            "field": "voice_assignments[0].speed",
            "message": "stub speaks at 0.8 to 1.2: the nearest of it is taken for 2",
        },
    ]
    job = api.client.get(f"/api/v1/jobs/{accepted['id']}").json()
    assert job["input_params"]["turns"][0]["speed"] == 1.1
    assert job["input_params"]["voice_assignments"][0]["speed"] == 2
    assert [warning["message"] for warning in job["warnings"]] == [
        "stub 沒有「低語」這種語氣，會用平常的語氣朗讀",
        "stub 的語速為 0.8 到 1.2，會用最接近的速度朗讀",
    ]
    cancelled = api.client.delete(f"/api/v1/jobs/{accepted['id']}").json()
    again = api.client.post(f"/api/v1/jobs/{accepted['id']}/resubmit").json()
    assert cancelled["warnings"] == again["warnings"] == job["warnings"]


@dataclass
class Polyglot(StubProvider):
    """A provider whose voices are known."""

    def known_voices(self) -> Sequence[Voice]:
        return VOICES


def test_what_will_be_divided_or_said_in_another_language_is_a_warning(
    database_url: str, object_store: ObjectStore, bucket: str
) -> None:
    first, second = SCRIPT["turns"]
    body = {
        **SCRIPT,
        "turns": [{**first, "text": "好。" * 300}, {**second, "text": "Hello 你好"}],
        "voice_assignments": [{"speaker": "A", "voice_id": "v-tw"}, {"speaker": "B", "voice_id": "v-en"}],
    }
    with running_api(database_url, settings_of(object_store, bucket), providers=(Polyglot(),)) as api:
        answers = [api.client.post("/api/v1/jobs", json={**body, "language": tag}) for tag in ("zh-TW", "en")]
    told = [answer.json()["warnings"] for answer in answers]
    divided = {"field": "turns[0].text", "message": "這句超過 stub 一次能讀的長度，會在句尾分成 2 段朗讀"}
    assert told[0] == [
        divided,
        {"field": "voice_assignments[1].voice_id", "message": "這個聲音說的是 en-US，工作的語言是 zh-TW"},
    ]
    assert told[1] == [
        divided,
        {"field": "voice_assignments[0].voice_id", "message": "這個聲音說的是 zh-TW，工作的語言是 en"},
        {"field": "turns[1].text", "message": "這句有中文，這個聲音說的是 en-US"},
    ]


def test_the_detail_has_the_request_with_its_defaults_filled_in(api: Api) -> None:
    job = api.client.get(f"/api/v1/jobs/{api.submit()}").json()
    assert job["input_params"] == {
        **SCRIPT,
        "voice_assignments": [
            {"speaker": "A", "voice_id": "v-tw", "voice_name": "曉雨"},
            {"speaker": "B", "voice_id": "v-hk", "voice_name": None},
        ],
        "language": "zh-TW",
        "output_format": "mp3",
        "gap_ms": 300,
        "crossfade_ms": 50,
        "normalize": True,
    }
    assert job["progress"] == {"stage": "queued", "turns_done": 0, "turns_total": 2, "next_retry_at": None}
    for name in ("result_metadata", "audio_file_id", "error_code", "error_message", "elapsed_ms", "expires_at"):
        assert job[name] is None


def test_turns_may_come_in_any_order_and_are_kept_in_the_order_of_speaking(api: Api) -> None:
    job_id = api.submit({**SCRIPT, "turns": SCRIPT["turns"][::-1]})
    turns = api.client.get(f"/api/v1/jobs/{job_id}").json()["input_params"]["turns"]
    assert turns == SCRIPT["turns"]


def test_a_job_that_waits_to_be_tried_again_says_when(api: Api) -> None:
    job_id = api.submit()
    claim = api.stores.runs.claim(UUID(job_id), Stage.SYNTHESIZING)
    assert claim is not None
    assert api.client.get(f"/api/v1/jobs/{job_id}").json()["progress"]["next_retry_at"] is None
    api.stores.runs.retry(claim, 5)
    job = api.client.get(f"/api/v1/jobs/{job_id}").json()
    assert (job["status"], job["retry_count"], job["progress"]["stage"]) == ("processing", 1, "retrying")
    assert TIME.fullmatch(job["progress"]["next_retry_at"])
    assert job["elapsed_ms"] >= 0


def test_a_failed_job_says_why_in_the_clients_language(api: Api) -> None:
    job_id = api.submit()
    fail(api, job_id, FailureReason.PROVIDER_REJECTED, "401 bad key")
    url = f"/api/v1/jobs/{job_id}"
    job = api.client.get(url).json()
    assert (job["error_code"], job["error_message"]) == ("provider_rejected", "語音服務拒絕請求：401 bad key")
    english = api.client.get(url, headers={"Accept-Language": "en"}).json()
    assert english["error_message"] == "The speech provider refused the request: 401 bad key"


def test_a_completed_job_says_what_came_out(api: Api) -> None:
    job = api.client.get(f"/api/v1/jobs/{api.completed()}").json()
    assert job["status"] == "completed"
    assert job["progress"] == {"stage": "done", "turns_done": 2, "turns_total": 2, "next_retry_at": None}
    latency_ms = job["result_metadata"].pop("latency_ms")
    assert 0 <= latency_ms == job["elapsed_ms"]
    assert job["result_metadata"] == {
        "duration_ms": 5200,
        "synthesis_mode": "segmented",
        "turn_timings": [],
        "billed_characters": 0,
        "cached_characters": 0,
    }
    assert UUID(job["audio_file_id"])
    assert TIME.fullmatch(job["expires_at"])


@pytest.mark.parametrize(
    "job_id",
    [
        "01a203f4-e535-7398-839b-7695b3a9b5db",
        "not-a-uuid",
        "01a203f4e5357398839b7695b3a9b5db",
        "{01a203f4-e535-7398-839b-7695b3a9b5db}",
        "%00",
        "%ff",
        "9" * 5000,
    ],
)
def test_a_job_that_there_is_not(api: Api, job_id: str) -> None:
    requests = [("GET", ""), ("DELETE", ""), ("POST", "/resubmit"), ("GET", "/download"), ("GET", "/download-link")]
    for method, path in requests:
        answer = api.client.request(method, f"/api/v1/jobs/{job_id}{path}")
        assert answer.status_code == 404
        assert answer.json() == {"error": "JOB_NOT_FOUND", "message": "工作不存在", "details": None}


def test_another_users_job_looks_like_one_that_there_is_not(api: Api) -> None:
    api.stores.keys.create("somebody")
    with api.stores.engine.connect() as connection:
        somebody = connection.exec_driver_sql("SELECT id FROM users WHERE name = 'somebody'").scalar_one()
    job = api.stores.jobs.submit(somebody, script_from(SCRIPT))
    answer = api.client.get(f"/api/v1/jobs/{job.id}")
    assert (answer.status_code, answer.json()["error"]) == (404, "JOB_NOT_FOUND")
    assert api.client.get("/api/v1/jobs").json()["total"] == 0


def test_the_list_is_newest_first_in_pages(api: Api) -> None:
    ids = [api.submit() for _ in range(3)]
    page = api.client.get("/api/v1/jobs?limit=2").json()
    assert [job["id"] for job in page["items"]] == [ids[2], ids[1]]
    assert (page["total"], page["limit"], page["offset"]) == (3, 2, 0)
    rest = api.client.get("/api/v1/jobs?limit=2&offset=2").json()
    assert [job["id"] for job in rest["items"]] == [ids[0]]
    assert api.client.get(f"/api/v1/jobs?offset={10**30}").json()["items"] == []


def test_the_list_goes_on_by_its_cursor_to_the_end(api: Api) -> None:
    ids = [api.submit() for _ in range(3)]
    first = api.client.get("/api/v1/jobs?limit=2").json()
    rest = api.client.get("/api/v1/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in (*first["items"], *rest["items"])] == ids[::-1]
    assert (rest["total"], rest["total_is_exact"], rest["next_cursor"]) == (3, True, None)


@pytest.mark.parametrize(
    "cursor", ["", "x", "x" * 21, "x" * 23, "x" * 1_000, "ä" * 22, "x" * 21 + "=", "x" * 22 + "\n"]
)
def test_a_cursor_that_is_none_of_ours_is_refused(api: Api, cursor: str) -> None:
    answer = api.client.get("/api/v1/jobs", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert [problem["field"] for problem in answer.json()["details"]["problems"]] == ["cursor"]


def test_a_listed_job_needs_no_second_request(api: Api) -> None:
    done, waiting = api.completed(), api.submit()
    listed = {job["id"]: job for job in api.client.get("/api/v1/jobs").json()["items"]}
    for job_id in (done, waiting):
        detail = api.client.get(f"/api/v1/jobs/{job_id}").json()
        for field in ("status", "progress", "error_code", "revised_from", "created_at", "started_at", "completed_at"):
            assert listed[job_id][field] == detail[field]
        assert listed[job_id]["title"] == SCRIPT["turns"][0]["text"]
    assert (listed[done]["duration_ms"], listed[waiting]["duration_ms"]) == (5200, None)


def test_the_list_may_be_of_one_status(api: Api) -> None:
    cancelled, pending = api.submit(), api.submit()
    api.client.delete(f"/api/v1/jobs/{cancelled}")
    for status, ids in (("cancelled", [cancelled]), ("pending", [pending]), ("completed", [])):
        page = api.client.get(f"/api/v1/jobs?status={status}").json()
        assert [job["id"] for job in page["items"]] == ids
        assert page["total"] == len(ids)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("limit=abc", ["limit"]),
        ("limit=1.5", ["limit"]),
        ("limit=", ["limit"]),
        ("offset=-1", ["offset"]),
        ("status=done", ["status"]),
        ("status=PENDING", ["status"]),
        ("status=%00&limit=x&offset=y", ["status", "limit", "offset"]),
    ],
)
def test_a_bad_page_is_refused_with_all_that_is_wrong(api: Api, query: str, fields: list[str]) -> None:
    answer = api.client.get(f"/api/v1/jobs?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert [problem["field"] for problem in answer.json()["details"]["problems"]] == fields


def test_a_pending_job_is_cancelled_once(api: Api) -> None:
    job_id = api.submit()
    answer = api.client.delete(f"/api/v1/jobs/{job_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    again = api.client.delete(f"/api/v1/jobs/{job_id}")
    assert again.status_code == 409
    assert again.json() == {
        "error": "JOB_CANNOT_CANCEL",
        "message": "只有等待中的工作可以取消",
        "details": {"status": "cancelled"},
    }


def test_a_failed_job_is_resubmitted_with_the_same_input(api: Api) -> None:
    job_id = api.submit()
    fail(api, job_id, FailureReason.TIMEOUT)
    answer = api.client.post(f"/api/v1/jobs/{job_id}/resubmit")
    assert answer.status_code == 201
    again = api.client.get(answer.headers["location"]).json()
    assert (again["status"], again["resubmitted_from"]) == ("pending", job_id)
    assert again["input_params"] == api.client.get(f"/api/v1/jobs/{job_id}").json()["input_params"]
    assert api.published[-1] == UUID(again["id"])


def test_a_pending_or_completed_job_is_not_resubmitted(api: Api) -> None:
    for job_id, status in ((api.submit(), "pending"), (api.completed(), "completed")):
        answer = api.client.post(f"/api/v1/jobs/{job_id}/resubmit")
        assert (answer.status_code, answer.json()["error"]) == (409, "JOB_CANNOT_RESUBMIT")
        assert answer.json()["details"] == {"status": status}


def test_a_fourth_active_job_is_refused(api: Api) -> None:
    failed = api.submit()
    fail(api, failed, FailureReason.TIMEOUT)
    for _ in range(3):
        api.submit()
    for answer in (
        api.client.post("/api/v1/jobs", json=SCRIPT),
        api.client.post(f"/api/v1/jobs/{failed}/resubmit"),
    ):
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json() == {
            "error": "JOB_LIMIT_EXCEEDED",
            "message": "已達並發上限，請等待現有工作完成",
            "details": {"current_jobs": 3, "max_jobs": 3},
        }
    assert len(api.published) == 4


def test_a_bad_request_is_told_before_the_limit(api: Api) -> None:
    for _ in range(3):
        api.submit()
    assert api.client.post("/api/v1/jobs", json={**SCRIPT, "gap_ms": -1}).status_code == 400


def test_submits_at_the_same_time_make_three_jobs(api: Api) -> None:
    statuses: list[int] = []
    everybody = threading.Barrier(12)

    def submit() -> None:
        everybody.wait()
        statuses.append(api.client.post("/api/v1/jobs", json=SCRIPT).status_code)

    threads = [threading.Thread(target=submit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 3 + [429] * 9
    assert api.count_jobs() == 3


def submit_with_key(api: Api, key: str, body: Any = SCRIPT) -> Any:
    return api.client.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": key})


def test_the_same_request_under_one_idempotency_key_is_one_job(api: Api) -> None:
    first, second = submit_with_key(api, "k"), submit_with_key(api, "k")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert api.count_jobs() == 1
    assert submit_with_key(api, "another").json()["id"] != first.json()["id"]


def test_a_request_that_is_sent_again_does_nothing(api: Api) -> None:
    """It is not announced, nor counted, a second time."""
    answers = [submit_with_key(api, "k") for _ in range(3)]
    assert [str(job_id) for job_id in api.published] == [answers[0].json()["id"]]
    assert "readthrough_jobs_submitted_total 1.0" in api.client.get("/metrics").text.splitlines()
    assert len({answer.headers["location"] for answer in answers}) == 1


def test_another_request_under_a_used_idempotency_key_is_refused(api: Api) -> None:
    submit_with_key(api, "k")
    answer = submit_with_key(api, "k", {**SCRIPT, "gap_ms": 0})
    assert (answer.status_code, answer.json()["error"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é", "\t"])
def test_a_bad_idempotency_key_is_refused(api: Api, key: str) -> None:
    answer = api.client.post("/api/v1/jobs", json=SCRIPT, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["details"]["problems"][0]["field"] == "Idempotency-Key"
    assert api.count_jobs() == 0


def test_the_jobs_belong_to_the_local_user(api: Api) -> None:
    assert api.stores.jobs.get(LOCAL_USER_ID, UUID(api.submit()))


def test_a_job_that_is_as_it_was_is_not_sent_again(api: Api) -> None:
    path = f"/api/v1/jobs/{api.submit()}"
    etag = api.client.get(path).headers["ETag"]

    again = api.client.get(path, headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    english = api.client.get(path, headers={"If-None-Match": etag, "Accept-Language": "en"})
    assert english.headers["Vary"] == "Accept-Language"
    assert api.client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200

    api.client.delete(path).raise_for_status()
    changed = api.client.get(path, headers={"If-None-Match": etag})
    assert (changed.status_code, changed.json()["status"]) == (200, "cancelled")
    assert changed.headers["ETag"] != etag


def test_the_time_that_goes_by_is_no_change_of_a_job(api: Api) -> None:
    job_id = api.submit()
    path = f"/api/v1/jobs/{job_id}"
    assert api.stores.runs.claim(UUID(job_id), Stage.SYNTHESIZING) is not None
    first = api.client.get(path)
    deadline = time.monotonic() + 10
    while api.client.get(path).json()["elapsed_ms"] == first.json()["elapsed_ms"]:
        assert time.monotonic() < deadline

    assert api.client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
