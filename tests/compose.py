"""compose.yaml as Compose reads it, as far as it goes without Compose: defaults filled in, an override merged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]

A_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class NotSet(Exception):
    """A variable that must be set is not."""


class Override(list[Any]):
    """A list that replaces what the file before says, instead of being added to it."""


class Loader(yaml.SafeLoader):
    """YAML with the tag `!override`."""


def _override(loader: Loader, node: yaml.SequenceNode) -> Override:
    return Override(loader.construct_sequence(node))


Loader.add_constructor("!override", _override)


def load(*files: str, **environment: str) -> Mapping[str, Any]:
    """These files, one over the other, in an environment of these variables alone.

    Raises:
        NotSet: a variable is wanted (`${NAME:?...}`) that the environment does not have.
    """
    merged: Any = {}
    for file in files:
        text = filled_in((ROOT / file).read_text(), environment)
        merged = merge(merged, yaml.load(text, Loader))  # noqa: S506 # a SafeLoader with one more tag
    return merged


def filled_in(text: str, environment: Mapping[str, str]) -> str:
    """The text with its variables put in; comments have none."""

    def value(match: re.Match[str]) -> str:
        name, mark, rest = match.groups()
        given = environment.get(name, "")
        if given or mark == "-":
            return given or rest
        raise NotSet(name)

    return A_VARIABLE.sub(value, re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE))


def merge(below: Any, above: Any) -> Any:
    """As Compose merges: mappings key by key, lists one after the other, anything else replaced."""
    if isinstance(below, dict) and isinstance(above, dict):
        return {key: merge(below[key], above[key]) if key in above else below[key] for key in below} | {
            key: above[key] for key in above.keys() - below.keys()
        }
    if isinstance(below, list) and isinstance(above, list) and not isinstance(above, Override):
        return [*below, *above]
    return above


def published(service: Mapping[str, Any]) -> Sequence[tuple[str, int, int]]:
    """(address of the host, its port, the container's port); the address is empty for every address there is."""
    found: list[tuple[str, int, int]] = []
    for port in service.get("ports", ()):
        address, host, container = port.rsplit(":", 2) if port.count(":") >= 2 else ("", *port.split(":"))
        found.append((address, int(host), int(container)))
    return found


def size_bytes(size: str) -> int:
    """`256m`, `3g` in bytes."""
    return int(size[:-1]) * 1024 ** {"k": 1, "m": 2, "g": 3}[size[-1]]
