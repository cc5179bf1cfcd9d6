"""Errors: one shape whatever raised them, in two languages, and nothing of ours in them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from embedded.object_store import ObjectStore
from storage.settings import ObjectStoreSettings
from tests.service_api import SCRIPT, Api, StubProvider, running_api, settings_of

NOWHERE = ObjectStoreSettings(s3_endpoint_url="http://127.0.0.1:1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket)) as running:
        yield running


class CrashingProvider(StubProvider):
    def check(self, script: Any) -> Any:
        raise RuntimeError("the password is swordfish")


@pytest.mark.parametrize("path", ["/nope", "/api/v1/nope", "/api/v1/jobs/x/y/z", "/api/v2/jobs", "/%00", "/..%2f"])
def test_an_unknown_path_is_not_found(api: Api, path: str) -> None:
    answer = api.client.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "NOT_FOUND", "message": "找不到這個網址", "details": None}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/jobs", ["GET", "OPTIONS", "POST"]),
        ("PATCH", "/api/v1/jobs/x", ["DELETE", "GET", "OPTIONS"]),
        ("GET", "/api/v1/jobs/x/resubmit", ["OPTIONS", "POST"]),
        ("POST", "/api/v1/jobs/x/download/", ["GET", "HEAD", "OPTIONS"]),
        ("DELETE", "/health/live", ["GET", "OPTIONS"]),
        ("BREW", "/api/v1/jobs", ["GET", "OPTIONS", "POST"]),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(api: Api, method: str, path: str, allowed: list[str]) -> None:
    answer = api.client.request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (405, "METHOD_NOT_ALLOWED")
    assert sorted(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/jobs", ["GET", "OPTIONS", "POST"]),
        ("/api/v1/jobs/x", ["DELETE", "GET", "OPTIONS"]),
        ("/session", ["DELETE", "OPTIONS", "POST"]),
        ("/health/live", ["GET", "OPTIONS"]),
    ],
)
def test_an_address_tells_all_its_methods(api: Api, path: str, allowed: list[str]) -> None:
    answer = api.client.options(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert sorted(answer.headers["allow"].split(", ")) == allowed
    assert api.client.options("/nope").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=null&status=null", "status"),
        ("status=failed&status=completed", "status"),
        ("status=null", "status"),
        ("limit=1&limit=1", "limit"),
        ("offset=null", "offset"),
    ],
)
def test_what_is_said_twice_or_not_at_all_is_refused(api: Api, query: str, field: str) -> None:
    answer = api.client.get(f"/api/v1/jobs?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["details"]["problems"][0]["field"] == field


def test_messages_are_in_the_language_that_the_client_prefers(api: Api) -> None:
    zh = api.client.get("/nope")
    en = api.client.get("/nope", headers={"Accept-Language": "en-GB, zh;q=0.5"})
    assert (zh.json()["message"], zh.headers["content-language"]) == ("找不到這個網址", "zh-TW")
    assert (en.json()["message"], en.headers["content-language"]) == ("There is nothing at this address", "en")
    assert zh.headers["vary"] == "Accept-Language"


@pytest.mark.parametrize(
    "headers", [{"Content-Length": "abc"}, {"Host": "a b"}, {"Transfer-Encoding": "x", "Content-Length": "-1"}]
)
def test_a_request_that_is_no_good_http_is_refused(api: Api, headers: dict[str, str]) -> None:
    answer = api.client.post("/api/v1/jobs", content=b"{}", headers={"Content-Type": "application/json", **headers})
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")


def test_a_crash_leaks_nothing_and_the_log_has_it_under_the_same_id(
    database_url: str, object_store: ObjectStore, bucket: str
) -> None:
    with (
        running_api(database_url, settings_of(object_store, bucket), providers=[CrashingProvider()]) as api,
        capture_logs(processors=[structlog.contextvars.merge_contextvars]) as events,
    ):
        answer = api.client.post("/api/v1/jobs", json=SCRIPT)
    assert answer.status_code == 500
    assert answer.json() == {"error": "INTERNAL_ERROR", "message": "系統錯誤", "details": None}
    [crash] = [event for event in events if event["event"] == "request_crashed"]
    assert crash["request_id"] == answer.headers["x-request-id"]
    assert "swordfish" in str(crash["exc_info"])


def test_one_line_is_logged_a_request_without_its_body(api: Api) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as events:
        answer = api.client.post("/api/v1/jobs?x=secret", json=SCRIPT)
    [line] = events
    assert line.pop("duration_ms") > 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "request_id": answer.headers["x-request-id"],
        "method": "POST",
        "path": "/api/v1/jobs",
        "status": 201,
    }


@pytest.mark.parametrize(
    "request_id", ["abc-123", "6ad0f3cbd45e4f258c02fc3bd87dbadb", "Root=1-67891233-abcdef012345678912345678"]
)
def test_a_request_may_bring_its_id(api: Api, request_id: str) -> None:
    answer = api.client.get("/api/v1/jobs", headers={"X-Request-Id": request_id})
    assert answer.headers.get_list("x-request-id") == [request_id]


@pytest.mark.parametrize("request_id", ["", "a b", "x" * 129, "é", "\x1b[31m"])
def test_an_id_that_is_not_fit_for_a_log_is_replaced(api: Api, request_id: str) -> None:
    answer = api.client.get("/nope", headers=[(b"X-Request-Id", request_id.encode("latin-1"))])
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


def test_every_answer_tells_browsers_to_be_careful(api: Api) -> None:
    for path in ("/api/v1/jobs", "/nope", "/schema", "/metrics"):
        headers = api.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert api.client.get("/api/v1/jobs").headers["cache-control"] == "no-store"


def database_requests() -> list[tuple[str, str]]:
    job = "01a203f4-e535-7398-839b-7695b3a9b5db"
    return [
        ("GET", "/api/v1/jobs"),
        ("POST", "/api/v1/jobs"),
        ("GET", f"/api/v1/jobs/{job}"),
        ("DELETE", f"/api/v1/jobs/{job}"),
        ("POST", f"/api/v1/jobs/{job}/resubmit"),
        ("GET", f"/api/v1/jobs/{job}/download"),
    ]


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:1/nothing", "postgresql://nobody@no-such-host.invalid/nothing"]
)
def test_without_the_database_every_request_that_needs_it_is_told_to_come_back(url: str) -> None:
    with running_api(url, NOWHERE) as api:
        for method, path in database_requests():
            answer = api.client.request(method, path, json=SCRIPT if method == "POST" else None)
            assert (answer.status_code, answer.json()["error"]) == (503, "SERVICE_UNAVAILABLE"), path
            assert answer.json()["details"] == {"unavailable": ["database"]}
            assert int(answer.headers["retry-after"]) > 0
            assert "127.0.0.1" not in answer.text
        assert api.client.get("/health/live").status_code == 200
        assert api.client.get("/api/v1/providers").status_code == 200
        assert "readthrough_requests_total" in api.client.get("/metrics").text


def test_without_the_object_store_a_download_is_told_to_come_back(
    database_url: str, object_store: ObjectStore, bucket: str
) -> None:
    with running_api(database_url, settings_of(object_store, bucket)) as api:
        job_id = api.completed()
    with running_api(database_url, NOWHERE) as api:
        for method, path in (("GET", "download"), ("HEAD", "download"), ("GET", "download-link")):
            answer = api.client.request(method, f"/api/v1/jobs/{job_id}/{path}")
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            if method == "GET":
                assert answer.json()["details"] == {"unavailable": ["object_store"]}


def test_an_answer_is_utf8_json(api: Api) -> None:
    answer = api.client.get("/nope")
    assert json.loads(answer.content.decode())["message"] == "找不到這個網址"
