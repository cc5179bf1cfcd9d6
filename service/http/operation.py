"""What a route says of itself: what it takes, what it answers, what can go wrong.

Each handler carries its own, as `@get("/jobs", operation=Operation(...))`; `routes/openapi.py` makes a document of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from service.http.messages import ErrorCode

Json = Mapping[str, Any]

JSON: Final = "application/json"
TEXT: Final[Json] = {"type": "string"}
BINARY: Final[Json] = {"type": "string", "format": "binary"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets when all is well: `content` is a schema for each media type, `kind` the model in JSON."""

    description: str
    content: Mapping[str, Json] = field(default_factory=dict[str, Json])
    headers: Json = field(default_factory=dict[str, Any])
    kind: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `summary`: the handler's docstring where it is empty. `name`: the handler's own where it is empty. `errors`: beside
    those that every route has; with its status where that is not the code's usual one. `body`: the model of its JSON.
    """

    answers: Mapping[int, Answer]
    errors: Sequence[ErrorCode | tuple[int, ErrorCode]] = ()
    parameters: Sequence[Json] = ()
    body: type[BaseModel] | None = None
    summary: str = ""
    name: str = ""


def model(description: str, kind: type[BaseModel], headers: Json | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(description, {JSON: model_ref(kind)}, headers or {}, kind)


def model_ref(kind: type[BaseModel]) -> Json:
    """Where the document has a model's schema."""
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def header(description: str, schema: Json = TEXT) -> Json:
    """A header of an answer."""
    return {"description": description, "schema": schema}


def path_parameter(name: str, description: str, schema: Json = TEXT) -> Json:
    """A part of a route's path."""
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def query_parameter(name: str, description: str, schema: Json = TEXT) -> Json:
    """A parameter behind the `?`."""
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def header_parameter(name: str, description: str, schema: Json = TEXT) -> Json:
    """A header of a request."""
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": description}
