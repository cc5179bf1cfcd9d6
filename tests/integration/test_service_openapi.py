"""The OpenAPI document: it has every route, and live answers are as it says."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from embedded.object_store import ObjectStore
from service.settings import ServiceSettings
from storage.jobs import FailureReason
from storage.stages import Stage
from tests.service_api import SCRIPT, Api, running_api, settings_of

#: The page is not for machines.
NOT_DESCRIBED: set[str] = {"/", "/jobs", "/jobs/{job_id}", "/static/{version}/{file_path}", "/session"}


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket)) as running:
        yield running


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    return api.client.get("/schema/openapi.json").json()


def wrong_kinds(text: str, schema: dict[str, Any]) -> list[str]:
    """What a string should be and is not."""
    patterns = {"uuid": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "date-time": r"^\d{4}-\d\d-\d\dT[\d:.]+Z$"}
    wanted = [schema.get("pattern", ""), patterns.get(schema.get("format", ""), "")]
    return [pattern for pattern in wanted if not re.search(pattern, text)]


def problems(value: Any, schema: dict[str, Any], document: dict[str, Any], path: str = "$") -> list[str]:
    """Where a value is not as its schema says: as much of JSON Schema as the document uses."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return problems(value, document["components"]["schemas"][name], document, path)
    if "anyOf" in schema:
        tried = [problems(value, option, document, path) for option in schema["anyOf"]]
        return [] if [] in tried else [problem for one in tried for problem in one]
    types: dict[str, type | tuple[type, ...]] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    if "type" in schema and (
        not isinstance(value, types[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean")
    ):
        return [f"{path} is {value!r}, not {schema['type']}"]
    found: list[str] = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path} is {value!r}, not one of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{path} is {value!r}, not {schema['const']!r}")
    if isinstance(value, str):
        found += [f"{path} is {value!r}, not {kind}" for kind in wrong_kinds(value, schema)]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{path} has no {name}" for name in schema.get("required", []) if name not in value]
        if known:
            found += [f"{path}.{name} is not described" for name in value if name not in known]
        for name, part in value.items():
            found += problems(part, known.get(name, {}), document, f"{path}.{name}")
    if isinstance(value, list):
        for place, item in enumerate(value):
            found += problems(item, schema.get("items", {}), document, f"{path}[{place}]")
    return found


def hold_against(answer: httpx.Response, template: str, document: dict[str, Any]) -> None:
    """An answer is of a described status, with the described headers and body."""
    operation = document["paths"][template][answer.request.method.lower()]
    described = operation["responses"][str(answer.status_code)]
    assert [name for name in described.get("headers", {}) if name.lower() not in answer.headers] == []
    if answer.headers.get("content-type") == "application/json":
        schema = described["content"]["application/json"]["schema"]
        assert problems(answer.json(), schema, document) == []
    else:
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        assert answer.content == b"" or media_type in described["content"]


def test_the_document_has_every_route_and_no_other(api: Api, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r":\w+}", "}", route.path_format), method.lower())
        for route in api.app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert {route for route in routes if route[0] not in NOT_DESCRIBED} == described


def test_the_document_is_sound_in_itself(document: dict[str, Any]) -> None:
    assert (document["info"]["title"], document["openapi"]) == ("Readthrough", "3.1.0")
    text = str(document)
    referred = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert referred <= set(document["components"]["schemas"])
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))


def test_the_rules_of_a_job_are_in_the_document(document: dict[str, Any]) -> None:
    job = document["components"]["schemas"]["JobRequest"]
    assert job["additionalProperties"] is False
    assert set(job["required"]) == {"provider", "turns", "voice_assignments"}
    assert (job["properties"]["turns"]["minItems"], job["properties"]["turns"]["maxItems"]) == (1, 1000)
    gap = job["properties"]["gap_ms"]
    assert (gap["type"], gap["minimum"], gap["maximum"], gap["default"]) == ("integer", 0, 2000, 300)
    assert job["properties"]["output_format"]["enum"] == ["mp3", "wav", "ogg", "flac", "m4a"]
    assert re.fullmatch(job["properties"]["language"]["pattern"], "zh-TW")
    assert document["components"]["schemas"]["JobTurnBody"]["properties"]["speaker"]["maxLength"] == 50
    assert problems(dict(SCRIPT), job, document) == []


def test_live_answers_are_as_the_document_says(api: Api, document: dict[str, Any]) -> None:
    client = api.client
    completed, failed, cancelled = api.completed(), api.submit(), api.submit()
    claim = api.stores.runs.claim(UUID(failed), Stage.SYNTHESIZING)
    assert claim is not None
    api.stores.runs.fail(claim, FailureReason.PROVIDER_FAILED, "HTTP 500")
    client.delete(f"/api/v1/jobs/{cancelled}")
    retrying = api.submit()
    claim = api.stores.runs.claim(UUID(retrying), Stage.SYNTHESIZING)
    assert claim is not None
    api.stores.runs.retry(claim, 5)

    jobs, job = "/api/v1/jobs", "/api/v1/jobs/{job_id}"
    hold_against(client.get(jobs), jobs, document)
    hold_against(client.get(f"{jobs}?limit=0"), jobs, document)
    for job_id in (completed, failed, cancelled, retrying, "nothing"):
        hold_against(client.get(f"{jobs}/{job_id}"), job, document)
        hold_against(client.delete(f"{jobs}/{job_id}"), job, document)
        hold_against(client.get(f"{jobs}/{job_id}/download"), f"{job}/download", document)
        hold_against(client.get(f"{jobs}/{job_id}/download-link"), f"{job}/download-link", document)
        hold_against(client.get(f"{jobs}/{job_id}/peaks"), f"{job}/peaks", document)
        for kind in ("vtt", "srt", "ass"):
            hold_against(client.get(f"{jobs}/{job_id}/captions?format={kind}"), f"{job}/captions", document)
        for change in ({"speak_again": True}, {"text": ""}):
            revision = {"turns": [{"index": 0, **change}]}
            hold_against(client.post(f"{jobs}/{job_id}/revise", json=revision), f"{job}/revise", document)
        hold_against(client.post(f"{jobs}/{job_id}/resubmit"), f"{job}/resubmit", document)
    for headers in ({"Range": "bytes=0-1"}, {"Range": "bytes=99-"}, {"If-None-Match": "*"}):
        hold_against(client.get(f"{jobs}/{completed}/download", headers=headers), f"{job}/download", document)
    hold_against(client.head(f"{jobs}/{completed}/download"), f"{job}/download", document)
    hold_against(client.get(f"{jobs}/{completed}/peaks", headers={"If-None-Match": "*"}), f"{job}/peaks", document)
    hold_against(client.post(jobs, json=SCRIPT), jobs, document)
    hold_against(client.post(jobs, json={}), jobs, document)
    hold_against(client.post(jobs, content=b"x" * 3_000_000), jobs, document)
    hold_against(client.get("/api/v1/providers"), "/api/v1/providers", document)
    for name in ("stub", "nobody"):
        hold_against(client.get(f"/api/v1/providers/{name}/voices"), "/api/v1/providers/{name}/voices", document)
    for path in ("stub/voices/nobody", "nobody/voices/v-tw", "stub/voices/v-tw"):
        path_of_preview = "/api/v1/providers/{name}/voices/{voice_id}/preview"
        hold_against(client.post(f"/api/v1/providers/{path}/preview"), path_of_preview, document)
    for body in ({"dialogue_text": "A: 好"}, {"dialogue_text": ""}, {}):
        hold_against(client.post("/api/v1/dialogues/parse", json=body), "/api/v1/dialogues/parse", document)
    for path in ("/health/live", "/health/ready", "/metrics", "/schema", "/schema/openapi.json"):
        hold_against(client.get(path), path, document)


def test_keys_are_described_where_they_are_asked_for(
    api: Api, document: dict[str, Any], database_url: str, object_store: ObjectStore, bucket: str
) -> None:
    assert "securitySchemes" not in document["components"]
    with_keys = ServiceSettings(auth="api-key")
    with running_api(database_url, settings_of(object_store, bucket), settings=with_keys) as locked:
        described = locked.client.get("/schema/openapi.json").json()
        assert described["components"]["securitySchemes"] == {"api_key": {"type": "http", "scheme": "bearer"}}
        assert described["paths"]["/api/v1/jobs"]["get"]["security"] == [{"api_key": []}]
        assert "security" not in described["paths"]["/health/live"]["get"]
        hold_against(locked.client.get("/api/v1/jobs"), "/api/v1/jobs", described)


def test_the_page_shows_every_route_and_asks_nothing_of_the_network(api: Api, document: dict[str, Any]) -> None:
    answer = api.client.get("/schema")
    assert answer.headers["content-type"].startswith("text/html")
    assert all(path in answer.text for path in document["paths"])
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "<script" not in answer.text
