"""What the import linter cannot say of the layers: how far one must read to understand a module."""

from __future__ import annotations

from functools import cache

import grimp
import pytest

#: Imports, one leading to the next, within `service`.
LONGEST_CHAIN = 7


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("service")


def chains(graph: grimp.ImportGraph) -> list[tuple[str, ...]]:
    """The longest chain of imports from each module on; a circle would be one without end."""

    @cache
    def longest_from(module: str) -> tuple[str, ...]:
        rest = [longest_from(imported) for imported in graph.find_modules_directly_imported_by(module)]
        return (module, *max(rest, key=len, default=()))

    return [longest_from(module) for module in graph.modules]


def test_no_chain_of_imports_is_long(graph: grimp.ImportGraph) -> None:
    longest = max(chains(graph), key=len)

    assert len(longest) - 1 <= LONGEST_CHAIN, " -> ".join(longest)


def test_a_chain_is_found_where_there_is_one(graph: grimp.ImportGraph) -> None:
    assert ("service.http.errors", "service.http.messages") in chains(graph)


def test_no_import_goes_round_in_a_circle(graph: grimp.ImportGraph) -> None:
    assert graph.nominate_cycle_breakers("service") == set()
