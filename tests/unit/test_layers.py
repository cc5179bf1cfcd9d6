"""What the import linter cannot say of the layers: how far one must read to understand a module."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import grimp
import pytest

#: Imports, one leading to the next, within `service`.
LONGEST_CHAIN = 7
#: A package that is entered by one door: who reads what is before it need not read what is behind it.
ROOM, DOOR = "service.requests.script", {"service.requests.script.reader", "service.requests.script.dialogue"}
#: The same, behind the door.
LONGEST_CHAIN_INSIDE = 8


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    made = grimp.build_graph("service")
    made.squash_module(ROOM)
    return made


def chains(graph: grimp.ImportGraph, within: Collection[str] | None = None) -> list[tuple[str, ...]]:
    """The longest chain of imports from each module on, all of them or some; a circle would be one without end."""
    counted = set(within or graph.modules)

    @cache
    def longest_from(module: str) -> tuple[str, ...]:
        rest = [longest_from(imported) for imported in graph.find_modules_directly_imported_by(module) & counted]
        return (module, *max(rest, key=len, default=()))

    return [longest_from(module) for module in counted]


def test_no_chain_of_imports_is_long(graph: grimp.ImportGraph) -> None:
    longest = max(chains(graph), key=len)

    assert len(longest) - 1 <= LONGEST_CHAIN, " -> ".join(longest)


def test_a_room_has_one_door_and_is_not_deep() -> None:
    graph = grimp.build_graph("service")
    inside = graph.find_descendants(ROOM)
    for module in inside - DOOR:
        assert graph.find_modules_that_directly_import(module) <= inside, module
    longest = max(chains(graph, inside), key=len)
    assert len(longest) - 1 <= LONGEST_CHAIN_INSIDE, " -> ".join(longest)


def test_a_chain_is_found_where_there_is_one(graph: grimp.ImportGraph) -> None:
    assert ("service.http.errors", "service.http.messages") in chains(graph)


def test_no_import_goes_round_in_a_circle(graph: grimp.ImportGraph) -> None:
    assert graph.nominate_cycle_breakers("service") == set()
