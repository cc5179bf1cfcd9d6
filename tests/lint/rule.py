"""What a rule is, and what it looks at: one parsed file, whose names are known by where they were imported from."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

N = TypeVar("N", bound=ast.AST)


class Module:
    """A Python file: its path from the root of the project, with slashes, and its tree."""

    def __init__(self, path: str, source: str) -> None:
        self.path = path
        self.source = source
        self.tree = ast.parse(source)

    @property
    def is_test(self) -> bool:
        """Whether it is there for the tests alone."""
        return self.path.startswith("tests/")

    def nodes(self, kind: type[N]) -> Iterator[N]:
        """Every node of this kind."""
        return (node for node in self._nodes if isinstance(node, kind))

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """Calls of what these dotted names mean, as `httpx.get`, however it was imported."""
        return (call for call in self.nodes(ast.Call) if self.name_of(call.func) in names)

    def calls_of_method(self, name: str) -> Iterator[ast.Call]:
        """Calls of whatever has this last name: `client.delete_objects`, `self._client.delete_objects`."""
        return (
            call for call in self.nodes(ast.Call) if isinstance(call.func, ast.Attribute) and call.func.attr == name
        )

    def name_of(self, node: ast.AST) -> str:
        """The full dotted name of an expression like `config.Config`; empty for anything else."""
        if isinstance(node, ast.Name):
            return self._imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            owner = self.name_of(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, from the inside out; the last is the module."""
        while (parent := self._parents.get(node)) is not None:
            yield parent
            node = parent

    def function_of(self, node: ast.AST) -> ast.AST:
        """The function that a node stands in, or the module."""
        return next(
            outer
            for outer in self.around(node)
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module)
        )

    @cached_property
    def _imported(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for node in self._nodes:
            if isinstance(node, ast.Import):
                # `import a.b` makes the name `a`; only with `as` does a name mean the whole.
                names |= {alias.asname: alias.name for alias in node.names if alias.asname}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        return names

    @cached_property
    def _parents(self) -> dict[ast.AST, ast.AST]:
        return {child: parent for parent in self._nodes for child in ast.iter_child_nodes(parent)}

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))


def everywhere(module: Module) -> bool:
    """A rule for all code."""
    return True


def product(module: Module) -> bool:
    """A rule for what users run."""
    return not module.is_test


def tests(module: Module) -> bool:
    """A rule for tests and what they use."""
    return module.is_test


@dataclass(frozen=True, slots=True)
class Rule:
    """`says`: what to do, in one line. `story`: the outage or defect that it is about. `find`: the places."""

    name: str
    says: str
    story: str
    find: Callable[[Module], Iterable[ast.AST]]
    applies_to: Callable[[Module], bool] = everywhere


def has_keyword(call: ast.Call, *names: str) -> bool:
    """Whether a call says all of these by name, or may do so with `**`."""
    said = {keyword.arg for keyword in call.keywords}
    return None in said or said.issuperset(names)


def says_constant(node: ast.AST, value: object) -> bool:
    """Whether this constant stands anywhere in the node."""
    return any(isinstance(inner, ast.Constant) and inner.value == value for inner in ast.walk(node))
