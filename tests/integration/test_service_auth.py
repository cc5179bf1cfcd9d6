"""AUTH=api-key: who may call, and what each may see."""

from collections.abc import Iterator

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
