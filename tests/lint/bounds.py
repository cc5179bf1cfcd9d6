"""Rules about what has no bound: a wait, an answer's size, the time that a pattern takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.lint.patterns import danger_in
from tests.lint.rule import Module, Rule, has_keyword, product

#: Calls that wait for somebody else, and what says for how long.
_WAITS: Final = {
    **{
        f"{library}.{name}": ("timeout",)
        for library in ("httpx", "requests")
        for name in ("get", "post", "put", "patch", "delete", "head", "options", "request")
    },
    "httpx.stream": ("timeout",),
    "httpx.Client": ("timeout",),
    "httpx.AsyncClient": ("timeout",),
    "urllib.request.urlopen": ("timeout",),
    "socket.create_connection": ("timeout",),
    "psycopg.connect": ("connect_timeout",),
    "botocore.config.Config": ("connect_timeout", "read_timeout"),
    "botocore.client.Config": ("connect_timeout", "read_timeout"),
}
#: What an answer is called where it is read.
_ANSWERS: Final = frozenset({"response", "answer", "resp", "body", "stream"})
#: Ways to use a pattern that try it at every position of the text.
_TRIES_EVERYWHERE: Final = frozenset({"search", "findall", "finditer", "sub", "subn", "split"})
_TRIES_ONCE: Final = frozenset({"match", "fullmatch"})


def _endless_waits(module: Module) -> Iterator[ast.AST]:
    for call in module.nodes(ast.Call):
        keywords = _WAITS.get(module.name_of(call.func))
        if keywords is not None and not has_keyword(call, *keywords):
            yield call


def _unbounded_reads(module: Module) -> Iterator[ast.AST]:
    for call in module.calls_of_method("read"):
        is_whole = not call.args and not call.keywords
        if is_whole and isinstance(call.func, ast.Attribute) and _is_an_answer(module, call.func.value):
            yield call


def _is_an_answer(module: Module, read: ast.expr) -> bool:
    match read:
        case ast.Subscript(slice=ast.Constant(value="Body")):
            return True
        case ast.Call():
            return module.name_of(read.func) == "urllib.request.urlopen"
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.lstrip("_") in _ANSWERS
        case _:
            return False


def _slow_patterns(module: Module) -> Iterator[ast.AST]:
    for call in module.nodes(ast.Call):
        library, _, use = module.name_of(call.func).rpartition(".")
        if library != "re" or not call.args or use not in {"compile"} | _TRIES_EVERYWHERE | _TRIES_ONCE:
            continue
        pattern = call.args[0]
        if not isinstance(pattern, ast.Constant) or not isinstance(pattern.value, str):
            continue
        everywhere = _is_tried_everywhere(module, call) if use == "compile" else use in _TRIES_EVERYWHERE
        if danger_in(pattern.value, tried_everywhere=everywhere):
            yield call


def _is_tried_everywhere(module: Module, compiled: ast.Call) -> bool:
    """Whether a compiled pattern is used to search; so it is if nobody can see how it is used."""
    owner = next(module.around(compiled))
    target = (
        owner.target
        if isinstance(owner, ast.AnnAssign)
        else owner.targets[0]
        if isinstance(owner, ast.Assign)
        else None
    )
    if not isinstance(target, ast.Name):
        return True
    uses = {
        node.attr
        for node in module.nodes(ast.Attribute)
        if isinstance(node.value, ast.Name) and node.value.id == target.id
    }
    return not uses or not uses <= _TRIES_ONCE


def _limits_that_come_too_late(module: Module) -> Iterator[ast.AST]:
    if module.path.startswith("storage/"):
        for part in module.nodes(ast.Subscript):
            if isinstance(part.slice, ast.Slice) and part.slice.upper is not None and isinstance(part.value, ast.Call):
                yield part


RULES: Final = (
    Rule(
        "no-timeout",
        "say how long it waits",
        "A server that accepts a connection and then says nothing holds the caller for as long as the library likes: a "
        "minute, or for ever. A frozen database, a hung vendor and a mute object store each stopped requests that had "
        "nothing to do with them (defects B3, D4).",
        _endless_waits,
        product,
    ),
    Rule(
        "unbounded-read",
        "read in pieces, up to a limit",
        "Whoever sends an answer decides how long it is. 3.4 kB on the wire became 4 GB in memory (defect C2).",
        _unbounded_reads,
        product,
    ),
    Rule(
        "limit-after-query",
        "say LIMIT in the statement",
        "All rows come over the wire and into memory before all but a few are dropped. A sweep that took 500 of a "
        "million expired rows loaded the million each time: 3.7 s and 330 MB (defect E2).",
        _limits_that_come_too_late,
        product,
    ),
    Rule(
        "slow-pattern",
        "make the pattern linear, or cut the text before it and say so",
        "A pattern that can divide the same characters in many ways, or that reads on to the end from every position, "
        "takes time with the square of the text, or worse, and holds the interpreter's lock all the while: one header "
        "of 60 kB took 13 s (defect B1), a refusal of 32 kB 37 s, in which live jobs were taken for dead (defect C1).",
        _slow_patterns,
        product,
    ),
)
