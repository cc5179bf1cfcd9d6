"""What the API says of itself: OpenAPI 3.1, and a page that shows it without asking the network for anything.

It is made of what each route says of itself. Litestar could derive a document from the handlers, but not the errors,
the headers and the rules of the bodies. A test holds this one against live answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import version
from typing import Any, Final

from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import SkipValidation
from litestar.routes import BaseRoute, HTTPRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.http.errors import STATUS_OF
from service.http.messages import ERRORS
from service.http.messages import ErrorCode as Code
from service.http.operation import (
    JSON,
    TEXT,
    Answer,
    Json,
    Operation,
    header,
    header_parameter,
    model,
    model_ref,
)
from service.requests import schemas
from service.settings import ServiceSettings

#: Every route's errors have these headers.
_ERROR_HEADERS: Final[Mapping[int, Json]] = {
    401: {"WWW-Authenticate": header("`Bearer`")},
    405: {"Allow": header("the methods that there are")},
    416: {"Content-Range": header("`bytes */n`: there are n")},
    429: {"Retry-After": header("seconds to wait", {"type": "integer"})},
    503: {"Retry-After": header("seconds to wait", {"type": "integer"})},
}
_LANGUAGE: Final = header_parameter("Accept-Language", "`zh` (the default) or `en`, for messages")


@dataclass(frozen=True, slots=True)
class Described:
    """A route and what it says of itself."""

    method: str
    path: str
    operation: Operation
    handler: HTTPRouteHandler

    @property
    def name(self) -> str:
        """Its name in the document."""
        return self.operation.name or self.handler.handler_name.rpartition(".")[2]

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        # Litestar keeps a function that is not async within an object that calls it in a thread.
        function: Any = getattr(self.handler.fn, "func", self.handler.fn)
        return self.operation.summary or (function.__doc__ or "").partition("\n")[0].removesuffix(".")

    @property
    def tag(self) -> str:
        """The group that it is shown in."""
        return self.path.removeprefix("/api/v1").split("/")[1]


def described(routes: Iterable[BaseRoute]) -> Iterator[Described]:
    """Every method of every route that says something of itself, in the order of the route table."""
    for route in routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            said: Operation | Mapping[str, Operation] = handler.opt.get("operation", {})
            of_methods = said if isinstance(said, Mapping) else dict.fromkeys(handler.http_methods, said)
            for method, operation in of_methods.items():
                yield Described(method.lower(), route.path_format, operation, handler)


def openapi_document(routes: Iterable[BaseRoute], settings: ServiceSettings) -> dict[str, Any]:
    """The document of an API with these routes and settings."""
    operations = list(described(routes))
    asked = {one.operation.body for one in operations if one.operation.body}
    answered = {answer.kind for one in operations for answer in one.operation.answers.values() if answer.kind}
    answered |= {schemas.ProblemBody, schemas.ErrorBody}
    _, definitions = models_json_schema(
        [
            *((kind, "validation") for kind in sorted(asked, key=_name)),
            *((kind, "serialization") for kind in sorted(answered, key=_name)),
        ],
        ref_template="#/components/schemas/{model}",
    )
    definitions["$defs"]["JobDetail"]["properties"]["input_params"] = model_ref(schemas.JobRequest)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        with_key = settings.auth == "api-key" and one.path.startswith("/api/")
        paths.setdefault(one.path, {})[one.method] = _operation(one, with_key=with_key)
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


def _name(kind: type[BaseModel]) -> str:
    return kind.__name__


def _operation(one: Described, *, with_key: bool) -> dict[str, Any]:
    operation = one.operation
    errors = [*operation.errors, Code.INTERNAL_ERROR]
    if Code.VALIDATION_ERROR not in errors:
        errors.append(Code.VALIDATION_ERROR)  # a request for another site, or from one
    if one.path.startswith("/api/"):
        errors.append(Code.RATE_LIMITED)
    if one.path.startswith(("/api/v1/jobs", "/api/v1/providers/", "/health/ready")) or with_key:
        errors.append(Code.SERVICE_UNAVAILABLE)
    if with_key:
        errors.append(Code.UNAUTHENTICATED)
    body = operation.body
    return {
        "operationId": one.name,
        "summary": one.summary,
        "tags": [one.tag],
        "parameters": [*operation.parameters, _LANGUAGE],
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
                _ERROR_HEADERS.get(status),
            )
        )
        for status, codes in sorted(by_status.items())
    }


#: How a handler asks for the document: a parameter of this type, named `document`.
DocumentDep = NamedDependency[SkipValidation[dict[str, Any]]]


@get(
    "/schema/openapi.json",
    sync_to_thread=False,
    operation=Operation({200: Answer("OpenAPI 3.1", {JSON: {"type": "object"}})}),
)
def read_schema(document: DocumentDep) -> dict[str, Any]:
    """This document."""
    return document


@get("/schema", sync_to_thread=False, operation=Operation({200: Answer("A page", {"text/html": TEXT})}))
def show_schema(document: DocumentDep) -> Response[str]:
    """This document, for people."""
    # It needs no script, and nothing from elsewhere.
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
