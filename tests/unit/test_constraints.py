"""The constraints can be installed, by old versions of pip too, whatever has been published since they were written."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
A_PIN = re.compile(r"^([\w.-]+)(?:\[([\w, -]+)\])?==", re.MULTILINE)


@pytest.mark.parametrize(
    "file", ["constraints.txt", "constraints-run.txt", "constraints-listen.txt", "constraints-bench.txt"]
)
def test_a_package_is_pinned_with_the_extras_that_others_ask_of_it(file: str) -> None:
    """pip 23 looks at `coverage[toml]` apart from a pinned `coverage`: it takes the newest, and refuses its hash."""
    pinned = {
        canonicalize_name(name): frozenset(extras.replace(" ", "").split(",")) if extras else frozenset[str]()
        for name, extras in A_PIN.findall((ROOT / file).read_text())
    }
    asked = [
        (canonicalize_name(requirement.name), requirement.extras, distribution.name)
        for distribution in distributions()
        if canonicalize_name(distribution.name) in pinned
        for requirement in map(Requirement, distribution.requires or ())
        # What an extra of the asking package wants is asked by nobody here, or by a package that names that extra.
        if requirement.extras and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    ]
    assert [ask for ask in asked if not ask[1] <= pinned[ask[0]]] == []


def test_something_asks_for_an_extra() -> None:
    """Or the test above would hold of anything."""
    assert "coverage[toml]==" in (ROOT / "constraints.txt").read_text()
