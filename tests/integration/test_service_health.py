"""Health and numbers."""

import asyncio
import threading
import time
from collections.abc import Iterator
from statistics import median

import pytest

from embedded.object_store import ObjectStore
from service.routes.health import CHECK_TIMEOUT_S, Checks
from storage.settings import ObjectStoreSettings
from tests.service_api import SCRIPT, Api, running_api, settings_of


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket)) as running:
        yield running


def broken() -> None:
    raise ConnectionError("amqp://user:secret@broker")


def test_all_is_well(api: Api) -> None:
    for path in ("/health/live", "/health/ready"):
        answer = api.client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_names_what_is_down_and_keeps_its_secrets() -> None:
    nowhere = ObjectStoreSettings(
        s3_endpoint_url="http://127.0.0.1:1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with running_api("postgresql://nobody@127.0.0.1:1/nothing", nowhere, check_broker=broken) as api:
        answer = api.client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["error"] == "SERVICE_UNAVAILABLE"
        assert answer.json()["details"] == {"unavailable": ["database", "broker", "object_store"]}
        assert "secret" not in answer.text
        assert api.client.get("/health/live").status_code == 200


def test_a_bucket_that_is_missing_is_down(database_url: str, object_store: ObjectStore) -> None:
    with running_api(database_url, settings_of(object_store, "no-such-bucket"), check_broker=broken) as api:
        assert api.client.get("/health/ready").json()["details"]["unavailable"] == ["broker", "object_store"]


def test_a_check_that_hangs_is_started_once_and_holds_nobody_up() -> None:
    release = threading.Event()
    started: list[int] = []

    def hang() -> None:
        started.append(1)
        release.wait()

    checks = Checks({"mute": hang, "well": lambda: None})
    began = time.monotonic()
    assert asyncio.run(checks.down()) == ["mute"]
    assert asyncio.run(checks.down()) == ["mute"]
    assert time.monotonic() - began < 2 * CHECK_TIMEOUT_S + 1
    assert len(started) == 1
    release.set()
    checks.close()


def test_requests_submits_and_active_jobs_are_counted(api: Api) -> None:
    job_id = api.submit()
    api.client.post("/api/v1/jobs", json={})
    api.client.get(f"/api/v1/jobs/{job_id}")
    api.client.get("/nope")
    api.client.request("BREW", "/nope")
    answer = api.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = answer.text.splitlines()
    for line in (
        'readthrough_requests_total{method="POST",route="/api/v1/jobs",status="201"} 1.0',
        'readthrough_requests_total{method="POST",route="/api/v1/jobs",status="400"} 1.0',
        'readthrough_requests_total{method="GET",route="/api/v1/jobs/{job_id}",status="200"} 1.0',
        'readthrough_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'readthrough_requests_total{method="other",route="unmatched",status="404"} 1.0',
        "readthrough_jobs_submitted_total 1.0",
        'readthrough_active_jobs{stage="queued"} 1.0',
    ):
        assert line in lines
    assert any(line.startswith("readthrough_request_duration_seconds_bucket") for line in lines)


def test_what_could_not_be_deleted_is_counted(api: Api) -> None:
    def overdue() -> set[str]:
        lines = api.client.get("/metrics").text.splitlines()
        return {line for line in lines if line.startswith("readthrough_overdue_deletions{")}

    job_id = api.completed()
    assert overdue() == {
        'readthrough_overdue_deletions{kind="jobs"} 0.0',
        'readthrough_overdue_deletions{kind="segments"} 0.0',
    }
    with api.stores.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET expires_at = now() - interval '2 hours' WHERE id = %s", (job_id,))
    assert 'readthrough_overdue_deletions{kind="jobs"} 1.0' in overdue()


def test_a_submit_over_a_socket_takes_about_as_long_as_without_one(
    database_url: str, object_store: ObjectStore, bucket: str
) -> None:
    """An answer that waits for the client's delayed acknowledgement (Nagle) would take 40 ms more."""
    with running_api(database_url, settings_of(object_store, bucket)) as api:
        without = median_of_submits(api)
    with running_api(database_url, settings_of(object_store, bucket), behind_socket=True) as api:
        over_a_socket = median_of_submits(api)

    assert over_a_socket < 3 * without


def median_of_submits(api: Api) -> float:
    """Seconds from a submit to its answer."""
    took_s: list[float] = []
    for _ in range(30):
        began = time.perf_counter()
        job_id = api.client.post("/api/v1/jobs", json=SCRIPT).json()["id"]
        took_s.append(time.perf_counter() - began)
        api.client.delete(f"/api/v1/jobs/{job_id}")
    return median(took_s)
