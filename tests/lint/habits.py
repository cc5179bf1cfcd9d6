"""Rules about habits: where the environment is read, how a test waits, what becomes of an unexpected error."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.lint.rule import Module, Rule, everywhere, product, tests

_BROAD: Final = frozenset({"Exception", "BaseException"})
#: What changes the system for everybody on it.
_INSTALLERS: Final = frozenset({"apt", "apt-get", "dpkg", "dnf", "apk"})


def _environment_reads(module: Module) -> Iterator[ast.AST]:
    for node in module.nodes(ast.Attribute):
        if module.name_of(node) in {"os.environ", "os.getenv", "os.environb"}:
            yield node
    for node in module.nodes(ast.ImportFrom):
        if node.module == "os" and {alias.name for alias in node.names} & {"environ", "getenv", "environb"}:
            yield node


def _fixed_sleeps(module: Module) -> Iterator[ast.AST]:
    if module.path.startswith("tests/chaos/"):
        return  # there a pause is the fault that is injected, or its moment
    for call in module.calls("time.sleep", "asyncio.sleep", "anyio.sleep"):
        function = module.function_of(call)
        loops = (outer for outer in module.around(call) if isinstance(outer, ast.While | ast.For))
        if not any(module.function_of(loop) is function and _looks_at_something(loop) for loop in loops):
            yield call


def _looks_at_something(loop: ast.While | ast.For) -> bool:
    """Whether the loop goes on or ends by what it sees: its condition, or a way out of it."""
    if isinstance(loop, ast.While) and not isinstance(loop.test, ast.Constant):
        return True
    return any(isinstance(inner, ast.Break | ast.Return | ast.Raise | ast.Assert) for inner in ast.walk(loop))


def _installs(module: Module) -> Iterator[ast.AST]:
    if module.path.startswith(("tests/servers/", "tests/fresh/", "tests/unit/test_servers_install.py")):
        return  # the script that does it, once and before the tests; its test; and the machine that is made to try it
    for command in (*module.nodes(ast.List), *module.nodes(ast.Tuple)):
        program = command.elts[0] if command.elts else None
        if isinstance(program, ast.Constant) and str(program.value).rpartition("/")[2] in _INSTALLERS:
            yield command


def _errors_that_nobody_hears_of(module: Module) -> Iterator[ast.AST]:
    for handler in module.nodes(ast.ExceptHandler):
        if _is_broad(handler.type) and not any(
            isinstance(inner, ast.Call | ast.Raise) for statement in handler.body for inner in ast.walk(statement)
        ):
            yield handler
    for call in module.calls("contextlib.suppress"):
        if any(_is_broad(argument) for argument in call.args):
            yield call


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_is_broad(part) for part in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in _BROAD)


RULES: Final = (
    Rule(
        "environment-elsewhere",
        "make it a field of the package's settings",
        "A variable read where it is used is read late, unchecked, and in no table: a typing mistake in it was noticed "
        "when the first job failed. Settings are read once, at the start, which a bad value stops with one clear line.",
        _environment_reads,
        product,
    ),
    Rule(
        "fixed-sleep",
        "wait for a condition, in a loop that looks",
        "A test that sleeps for what is usually enough fails on a busy machine, and passes for the wrong reason on a "
        "fast one. Every such test here was flaky before it was changed to look.",
        _fixed_sleeps,
        tests,
    ),
    Rule(
        "install-in-test",
        "name it in tests/servers/needs.py",
        "Tests run in several processes at once. Each had a fixture that installed what was missing: one met the lock "
        "of another, a third was left half unpacked, and 39 tests failed on every new machine (defect A1).",
        _installs,
        tests,
    ),
    Rule(
        "error-unheard",
        "catch what is expected, or log it, hand it on or raise it",
        "Whatever goes wrong there leaves no trace, a typing mistake too. A sweep that met one object which could not "
        "be deleted stopped at it for ever, and nobody could see why (defect D8).",
        _errors_that_nobody_hears_of,
        everywhere,
    ),
)
