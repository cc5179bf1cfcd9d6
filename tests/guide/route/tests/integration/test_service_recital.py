"""The route that the guide adds, over HTTP."""

from uuid import uuid4

from embedded.object_store import ObjectStore
from tests.service_api import running_api, settings_of


def test_a_job_is_read_to_people(database_url: str, object_store: ObjectStore, bucket: str) -> None:
    with running_api(database_url, settings_of(object_store, bucket)) as api:
        job_id = api.submit()

        answer = api.client.get(f"/api/v1/jobs/{job_id}/recital")
        assert answer.text.startswith("A: 你好")
        assert api.client.get(f"/api/v1/jobs/{uuid4()}/recital").json()["error"] == "JOB_NOT_FOUND"
        described = api.client.get("/schema/openapi.json").json()["paths"]["/api/v1/jobs/{job_id}/recital"]
        assert described["get"]["summary"] == "Who says what, in the order of speaking"
