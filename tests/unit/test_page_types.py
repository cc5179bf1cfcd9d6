"""What the page's modules believe of the API's JSON is what its OpenAPI says; and what checks them is pinned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from service.app import create_app
from service.routes.openapi import openapi_document
from service.settings import ServiceSettings

PAGE = Path(__file__).parents[2] / "service" / "page"

OF_THE_API, _, _ = (PAGE / "types.d.ts").read_text("utf-8").partition("// The second part")
INTERFACES = {
    name: (parent, dict(re.findall(r"^  (\w+\??): (.*);$", body, re.MULTILINE)))
    for name, parent, body in re.findall(r"^interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}", OF_THE_API, re.S | re.M)
}


@pytest.fixture(scope="module")
def schemas() -> Mapping[str, Any]:
    """The named schemas of the API."""
    settings = ServiceSettings()
    return openapi_document(create_app(settings, Mock()).routes, settings)["components"]["schemas"]


def fields(name: str) -> Iterator[tuple[str, str]]:
    """What an interface says of a JSON object, its parent's part too."""
    parent, own = INTERFACES[name]
    if parent:
        yield from fields(parent)
    yield from own.items()


@pytest.mark.parametrize("name", INTERFACES)
def test_an_interface_has_only_what_the_schema_has(schemas: Mapping[str, Any], name: str) -> None:
    known = schemas[name]["properties"]
    for field, kind in fields(name):
        schema = known[field.rstrip("?")]
        is_nullable = {"type": "null"} in schema.get("anyOf", [])
        assert ("null" in kind.split(" | ")) == is_nullable, f"{name}.{field}: {kind}"


def test_statuses_and_stages_are_those_of_the_api(schemas: Mapping[str, Any]) -> None:
    for name in ("JobStatus", "Stage"):
        found = re.search(rf"^type {name} = (.*);$", OF_THE_API, re.MULTILINE)
        assert found is not None
        assert {value.strip('"') for value in found[1].split(" | ")} == set(schemas[name]["enum"])


def test_what_checks_the_page_is_pinned_by_hash_and_names_no_registry() -> None:
    wanted = json.loads((PAGE / "package.json").read_text())["devDependencies"]
    lock = json.loads((PAGE / "package-lock.json").read_text())["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    del lock[""]
    assert all(package["integrity"].startswith("sha512-") for package in lock.values())
    assert not any("resolved" in package for package in lock.values())
