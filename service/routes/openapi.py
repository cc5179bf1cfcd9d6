"""What the API says of itself: OpenAPI 3.1, and a page that shows it without asking the network for anything.

Litestar could derive a document from the handlers, but not the errors, the headers and the rules of the bodies. A test
holds this one against the routes and against live answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.metadata import version
from typing import Any, Final

from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.http.errors import STATUS_OF
from service.http.messages import ERRORS
from service.http.messages import ErrorCode as Code
from service.requests import schemas
from service.routes.openapi_routes import (
    ERROR_HEADERS,
    JSON,
    LANGUAGE,
    OPERATIONS,
    Answer,
    Json,
    Operation,
    header,
    model,
    model_ref,
)
from service.settings import ServiceSettings

_ASKED: Final[Sequence[type[BaseModel]]] = (schemas.JobRequest, schemas.RevisionRequest, schemas.ParseRequest)
_ANSWERED: Final[Sequence[type[BaseModel]]] = (
    schemas.JobResponse,
    schemas.JobDetail,
    schemas.JobList,
    schemas.DownloadLink,
    schemas.Peaks,
    schemas.ProviderList,
    schemas.VoiceList,
    schemas.ParsedDialogue,
    schemas.Health,
    schemas.ProblemBody,
    schemas.ErrorBody,
)


def openapi_document(settings: ServiceSettings) -> dict[str, Any]:
    """The document of an API with these settings."""
    _, definitions = models_json_schema(
        [*((kind, "validation") for kind in _ASKED), *((kind, "serialization") for kind in _ANSWERED)],
        ref_template="#/components/schemas/{model}",
    )
    definitions["$defs"]["JobDetail"]["properties"]["input_params"] = model_ref(schemas.JobRequest)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        with_key = settings.auth == "api-key" and operation.path.startswith("/api/")
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, with_key=with_key)
    components: dict[str, Any] = {"schemas": definitions["$defs"]}
    if settings.auth == "api-key":
        components["securitySchemes"] = {"api_key": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Readthrough",
            "version": version("readthrough"),
            "description": "Durable text-to-speech jobs for dialogues. Every answer carries `X-Request-Id`.",
        },
        "paths": paths,
        "components": components,
    }


def _operation(operation: Operation, *, with_key: bool) -> dict[str, Any]:
    errors = [*operation.errors, Code.INTERNAL_ERROR]
    if operation.path.startswith(("/api/v1/jobs", "/api/v1/providers/", "/health/ready")) or with_key:
        errors.append(Code.SERVICE_UNAVAILABLE)
    if with_key:
        errors.append(Code.UNAUTHENTICATED)
    body = operation.body
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*operation.parameters, LANGUAGE],
        **({"requestBody": {"required": True, "content": {JSON: {"schema": model_ref(body)}}}} if body else {}),
        "responses": {
            **{str(status): _response(answer) for status, answer in operation.answers.items()},
            **_error_responses(errors),
        },
        **({"security": [{"api_key": []}]} if with_key else {}),
    }


def _response(answer: Answer) -> dict[str, Any]:
    content = {media_type: {"schema": schema} for media_type, schema in answer.content.items()}
    headers = {**answer.headers, "X-Request-Id": header("the request's id in the log")}
    return {"description": answer.description, "headers": headers, **({"content": content} if content else {})}


def _error_responses(errors: Sequence[Code | tuple[int, Code]]) -> dict[str, Any]:
    by_status: dict[int, list[Code]] = {}
    for error in errors:
        status, code = error if isinstance(error, tuple) else (STATUS_OF[error], error)
        by_status.setdefault(status, []).append(code)
    return {
        str(status): _response(
            model(
                "; ".join(f"`{code}`: {ERRORS[code].en}" for code in codes),
                schemas.ErrorBody,
                ERROR_HEADERS.get(status),
            )
        )
        for status, codes in sorted(by_status.items())
    }


#: How a handler asks for the document: a parameter of this type, named `document`.
DocumentDep = NamedDependency[SkipValidation[dict[str, Any]]]


@get("/schema/openapi.json", sync_to_thread=False)
def read_schema(document: DocumentDep) -> dict[str, Any]:
    """The document."""
    return document


@get("/schema", sync_to_thread=False)
def show_schema(document: DocumentDep) -> Response[str]:
    """The document as a page that needs no script and nothing from elsewhere."""
    return Response(
        _page(document),
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"},
    )


def _page(document: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{method.upper()} {escape(path)}</code>"
        f"<td>{escape(operation['summary'])}<td>{_answers(operation)}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>Readthrough API</title><style>body{font:1rem/1.5 system-ui;margin:2rem;max-width:75rem}"
        "td,th{padding:.4rem .8rem;text-align:left;vertical-align:top;border-top:1px solid #ccc}</style>"
        "<h1>Readthrough API</h1><p>All of it, for machines: <a href='/schema/openapi.json'>openapi.json</a>."
        f"<table><tr><th>Request<th>What it does<th>Answers{rows}</table></html>"
    )


def _answers(operation: Json) -> str:
    return "<br>".join(
        f"{status}: {escape(response['description'])}" for status, response in operation["responses"].items()
    )
