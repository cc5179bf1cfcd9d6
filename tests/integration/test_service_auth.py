"""AUTH=api-key: who may call, and what each may see."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from embedded.object_store import ObjectStore
from service.settings import ServiceSettings
from storage.settings import ObjectStoreSettings
from tests.service_api import SCRIPT, Api, running_api, settings_of

WITH_KEYS = ServiceSettings(auth="api-key")


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket), settings=WITH_KEYS) as running:
        yield running


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer nobody", "Basic dXNlcjpwdw==", "bearer rt_x", "Bearer \xe9", "{key}"],
)
def test_without_a_good_key_nobody_gets_in(api: Api, authorization: str | None) -> None:
    key = api.stores.keys.create("ann")
    headers = [] if authorization is None else [(b"Authorization", authorization.format(key=key).encode("latin-1"))]
    for method, path in (("GET", "/api/v1/jobs"), ("POST", "/api/v1/jobs"), ("GET", "/api/v1/providers")):
        answer = api.client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json() == {"error": "UNAUTHENTICATED", "message": "請提供有效的 API 金鑰", "details": None}


def test_a_key_opens_and_a_revoked_one_does_not(api: Api) -> None:
    key = api.stores.keys.create("ann")
    assert api.client.get("/api/v1/jobs", headers={"authorization": f"bEARER {key}"}).status_code == 200
    assert api.stores.keys.list()[0].last_used_at is not None
    api.stores.keys.revoke(api.stores.keys.list()[0].id)
    assert api.client.get("/api/v1/jobs", headers=bearer(key)).status_code == 401


def test_users_see_their_own_jobs_only(api: Api) -> None:
    ann, bob = bearer(api.stores.keys.create("ann")), bearer(api.stores.keys.create("bob"))
    job_id = api.client.post("/api/v1/jobs", json=SCRIPT, headers=ann).json()["id"]
    assert api.client.get(f"/api/v1/jobs/{job_id}", headers=ann).status_code == 200
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/resubmit"), ("GET", "/download")):
        answer = api.client.request(method, f"/api/v1/jobs/{job_id}{path}", headers=bob)
        assert (answer.status_code, answer.json()["error"]) == (404, "JOB_NOT_FOUND")
    assert api.client.get("/api/v1/jobs", headers=bob).json()["total"] == 0


def test_each_user_has_three_jobs(api: Api) -> None:
    for name in ("ann", "bob"):
        headers = bearer(api.stores.keys.create(name))
        statuses = [api.client.post("/api/v1/jobs", json=SCRIPT, headers=headers).status_code for _ in range(4)]
        assert statuses == [201, 201, 201, 429]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/schema", "/schema/openapi.json"])
def test_health_numbers_and_schema_ask_for_no_key(api: Api, path: str) -> None:
    assert api.client.get(path).status_code == 200


def test_without_the_database_a_key_cannot_be_judged() -> None:
    nowhere = ObjectStoreSettings(
        s3_endpoint_url="http://127.0.0.1:1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with running_api("postgresql://nobody@127.0.0.1:1/nothing", nowhere, settings=WITH_KEYS) as api:
        assert api.client.get("/api/v1/jobs", headers=bearer("rt_x")).status_code == 503
        assert api.client.get("/api/v1/jobs").status_code == 401


def test_a_user_who_asks_too_often_waits_and_the_others_do_not(
    database_url: str, object_store: ObjectStore, bucket: str
) -> None:
    settings = ServiceSettings(auth="api-key", rate_limit_per_minute=5)
    with running_api(database_url, settings_of(object_store, bucket), settings=settings) as api:
        first, second, bob = (bearer(api.stores.keys.create(name)) for name in ("ann", "ann", "bob"))
        assert api.client.get("/api/v1/jobs", headers=first).headers["ratelimit"].startswith('"default";r=4;t=')
        answers = [api.client.get("/api/v1/jobs", headers=second) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
        refused = answers[-1]
        assert refused.json()["error"] == "RATE_LIMITED"
        assert refused.headers["ratelimit-policy"] == '"default";q=5;w=60'
        assert refused.headers["ratelimit"].startswith('"default";r=0;t=')
        assert 1 <= int(refused.headers["retry-after"]) <= 12
        assert api.client.get("/api/v1/jobs", headers=bob).status_code == 200
        assert api.client.get("/health/live").status_code == 200
        assert api.client.get("/api/v1/jobs").status_code == 401


def test_without_keys_it_is_the_address_that_is_counted_and_this_machine_is_not(
    database_url: str, object_store: ObjectStore, bucket: str
) -> None:
    settings = ServiceSettings(rate_limit_per_minute=2)
    with running_api(database_url, settings_of(object_store, bucket), settings=settings) as api:
        assert [api.client.get("/api/v1/jobs").status_code for _ in range(3)] == [200, 200, 429]
    with running_api(database_url, settings_of(object_store, bucket), settings=settings, behind_socket=True) as api:
        assert [api.client.get("/api/v1/jobs").status_code for _ in range(5)] == [200] * 5


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"Host": "evil.example"}, "Host"),
        ({"Origin": "https://evil.example"}, "Origin"),
        ({"Sec-Fetch-Site": "cross-site"}, "Sec-Fetch-Site"),
    ],
)
def test_another_site_is_refused_before_anything_is_done(api: Api, headers: dict[str, str], field: str) -> None:
    ann = bearer(api.stores.keys.create("ann"))
    answer = api.client.post("/api/v1/jobs", json=SCRIPT, headers={**ann, **headers, "Accept-Language": "en"})
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["details"]["problems"][0]["field"] == field
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert api.count_jobs() == 0


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    """Each cookie that an answer sets, whole, by its name."""
    return {cookie.partition("=")[0]: cookie for cookie in answer.headers.get_list("set-cookie")}


def test_the_cookie_of_the_page_is_as_good_as_the_header(api: Api) -> None:
    key = api.stores.keys.create("ann")
    signed_in = api.client.post("/session", json={"key": key})
    assert (signed_in.status_code, signed_in.content) == (204, b"")
    session = cookies_of(signed_in)["readthrough-session"]
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(session.split("; "))
    assert "Secure" not in session
    assert "HttpOnly" not in cookies_of(signed_in)["readthrough-signed-in"]
    assert api.client.get("/api/v1/jobs").status_code == 200
    # What a program says counts, not what its browser has kept.
    assert api.client.get("/api/v1/jobs", headers=bearer("rt_x")).status_code == 401

    foreign = api.client.post("/api/v1/jobs", json=SCRIPT, headers={"Origin": "https://evil.example"})
    assert (foreign.status_code, api.count_jobs()) == (400, 0)

    api.stores.keys.revoke(api.stores.keys.list()[0].id)
    assert api.client.get("/api/v1/jobs").status_code == 401


def test_signing_out_forgets_the_key(api: Api) -> None:
    api.client.post("/session", json={"key": api.stores.keys.create("ann")})
    assert api.client.delete("/session").status_code == 204
    assert dict(api.client.cookies) == {}
    assert api.client.get("/api/v1/jobs").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [({"key": "rt_x"}, 401), ({"key": ""}, 401), ({"key": "\ud800"}, 401), ({"key": 1}, 400), ({}, 400), ([], 400)],
)
def test_what_is_nobodys_key_signs_nobody_in(api: Api, body: Any, status: int) -> None:
    content = json.dumps(body)
    answer = api.client.post("/session", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, cookies_of(answer)) == (status, {})


def test_behind_https_the_cookie_is_for_https_alone(database_url: str, object_store: ObjectStore, bucket: str) -> None:
    settings = ServiceSettings(auth="api-key", public_url="https://voices.example")
    with running_api(database_url, settings_of(object_store, bucket), settings=settings) as api:
        answer = api.client.post("/session", json={"key": api.stores.keys.create("ann")})
        assert all("Secure" in cookie.split("; ") for cookie in cookies_of(answer).values())
