"""`docs/guarantees.md` names tests and files: they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "guarantees.md").read_text()

TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
FILES = sorted(set(re.findall(r"`((?:actors|embedded|scheduler|service|storage|tests)/[\w/]+\.py)", TEXT)))


def test_it_names_tests() -> None:
    assert len(TESTS) > 30


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_a_named_test_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text())

    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", FILES)
def test_a_named_file_exists(path: str) -> None:
    assert (ROOT / path).is_file()


def test_every_name_behind_a_file_is_in_it() -> None:
    """As in `storage/run_store.py: claim`."""
    for path, names in re.findall(r"`([\w/]+\.py): ([\w, ]+)`", TEXT):
        for name in names.split(", "):
            assert re.search(rf"\b{name}\b", (ROOT / path).read_text()), f"{name} is not in {path}"
