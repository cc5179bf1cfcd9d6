"""Who may do what: every route of the table, with no key, a bad one, a revoked one, another user's, and one's own.

A new route is here by itself: under /api it must ask for a key, and one that names a job must keep it from other users.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from embedded.object_store import ObjectStore
from service.routes.openapi import described
from service.settings import ServiceSettings
from tests.service_api import SCRIPT, Api, running_api, settings_of

WITH_KEYS = ServiceSettings(auth="api-key")
#: What everybody may ask for: no answer has anything of a user's.
OPEN = {
    ("delete", "/session"),
    ("get", "/"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
    ("get", "/jobs"),
    ("get", "/jobs/{job_id}"),
    ("get", "/metrics"),
    ("get", "/schema"),
    ("get", "/schema/openapi.json"),
    ("get", "/static/{version}/{file_path}"),
    ("post", "/session"),
}
#: What stands in the path of a route beside a job's id.
IN_THE_PATH = {"name": "stub", "voice_id": "v-tw"}
#: What a route wants, where it looks at the body before it looks for the job.
BODIES = {"/api/v1/jobs": SCRIPT, "/api/v1/dialogues/parse": {"dialogue_text": "A: 你好"}}


def routes(app: Litestar) -> list[tuple[str, str]]:
    """(method, path) of every route there is, those without a description too."""
    found = {
        (method.lower(), re.sub(r":\w+}", "}", route.path_format))
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    assert {(one.method, one.path) for one in described(app.routes)} <= found
    return sorted(found)


def of_users(api: Api) -> list[tuple[str, str]]:
    """The routes that are a user's."""
    return [route for route in routes(api.app) if route not in OPEN]


def of_jobs(api: Api) -> list[tuple[str, str]]:
    """Those of one job."""
    return [route for route in of_users(api) if "{job_id}" in route[1]]


@dataclass(frozen=True)
class Keys:
    """Keys of two users, and one that is revoked."""

    ann: str
    bob: str
    revoked: str


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket), settings=WITH_KEYS) as running:
        yield running


@pytest.fixture
def keys(api: Api) -> Keys:
    made = Keys(*(api.stores.keys.create(name) for name in ("ann", "bob", "bob")))
    api.stores.keys.revoke(api.stores.keys.list()[2].id)
    return made


def ask(api: Api, route: tuple[str, str], key: str | None, job_id: str) -> httpx.Response:
    method, path = route
    for name, value in {**IN_THE_PATH, "job_id": job_id}.items():
        path = path.replace(f"{{{name}}}", value)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    body = None if method in ("get", "head", "delete") else BODIES.get(route[1], {})
    return api.client.request(method.upper(), path, headers=headers, json=body)


def told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """All that an answer tells, but for its request's id and how much of the user's limit is left."""
    of_each = {"x-request-id", "ratelimit"}
    return answer.status_code, {k: v for k, v in answer.headers.items() if k not in of_each}, answer.content


def test_every_route_is_open_on_purpose_or_under_the_guard(api: Api) -> None:
    assert set(routes(api.app)) >= OPEN, "what is open is there"
    assert [route for route in of_users(api) if not route[1].startswith("/api/")] == []
    assert [route for route in OPEN if route[1].startswith("/api/")] == []
    assert len(of_jobs(api)) >= 8


def test_without_a_good_key_no_route_says_anything(api: Api, keys: Keys) -> None:
    job_id = api.client.post("/api/v1/jobs", json=SCRIPT, headers={"Authorization": f"Bearer {keys.ann}"}).json()["id"]
    for route in of_users(api):
        for key in (None, "", "rt_x", keys.revoked, keys.ann[:-1], f"{keys.ann} {keys.bob}"):
            answer = ask(api, route, key, job_id)
            assert answer.status_code == 401, (route, key, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"
    assert api.count_jobs() == 1
    assert ask(api, ("get", "/api/v1/jobs/{job_id}"), keys.ann, job_id).json()["status"] == "pending"


def test_anothers_job_is_as_one_that_does_not_exist(api: Api, keys: Keys) -> None:
    """Byte for byte, but for what is the request's own; and nothing becomes of it."""
    ann = api.stores.keys.user_of(keys.ann)
    assert ann is not None
    pending = api.client.post("/api/v1/jobs", json=SCRIPT, headers={"Authorization": f"Bearer {keys.ann}"}).json()["id"]
    completed = api.completed(b"0123456789", ann)
    before = [ask(api, ("get", "/api/v1/jobs/{job_id}"), keys.ann, job_id).json() for job_id in (pending, completed)]
    for route in of_jobs(api):
        unknown = ask(api, route, keys.bob, str(uuid4()))
        assert unknown.status_code == 404, (route, unknown.text)
        for job_id in (pending, completed):
            assert told(ask(api, route, keys.bob, job_id)) == told(unknown), route
    after = [ask(api, ("get", "/api/v1/jobs/{job_id}"), keys.ann, job_id).json() for job_id in (pending, completed)]
    assert [job["status"] for job in after] == [job["status"] for job in before] == ["pending", "completed"]
    assert api.count_jobs() == 2


def test_ones_own_job_is_found_by_every_route(api: Api, keys: Keys) -> None:
    ann = api.stores.keys.user_of(keys.ann)
    assert ann is not None
    for route in of_jobs(api):
        answer = ask(api, route, keys.ann, api.completed(b"0123456789", ann))
        assert answer.status_code != 401
        assert route[0] == "head" or answer.status_code != 404 or answer.json()["error"] != "JOB_NOT_FOUND", route


def test_lists_hold_ones_own(api: Api, keys: Keys) -> None:
    ask(api, ("post", "/api/v1/jobs"), keys.ann, "")
    for key, total in ((keys.ann, 1), (keys.bob, 0)):
        assert ask(api, ("get", "/api/v1/jobs"), key, "").json()["total"] == total
