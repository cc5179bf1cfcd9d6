"""All rules, and what they find in a file. A line, or a comment above it, may say that a rule is wrong there, and why.

# lint: allow RULE: reason
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lint import bounds, habits, servers
from tests.lint.rule import Module, Rule

RULES: Final[Sequence[Rule]] = (*servers.RULES, *bounds.RULES, *habits.RULES)
PACKAGES: Final = ("actors", "client", "embedded", "scheduler", "service", "storage", "tests")

_ALLOWED: Final = re.compile(r"# lint: allow ([\w-]+)(?:: (\S.*))?$")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place where a rule is broken."""

    path: str
    line: int
    rule: str
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.says}"


def findings_in_tree(root: Path) -> Sequence[Finding]:
    """What the rules find in our packages, in order."""
    paths = (path for package in PACKAGES for path in sorted((root / package).rglob("*.py")))
    return sorted(
        finding for path in paths for finding in findings_in(path.relative_to(root).as_posix(), path.read_text())
    )


def findings_in(path: str, source: str) -> Iterator[Finding]:
    """What the rules find in one file, and what is allowed there without need or reason."""
    module = Module(path, source)
    allowed = dict(_allowances(source))
    needed = set[int]()
    for rule in RULES:
        if not rule.applies_to(module):
            continue
        for node in rule.find(module):
            first = getattr(node, "lineno", 1)
            lines = range(first, getattr(node, "end_lineno", first) + 1)
            excuse = next((line for line in lines if allowed.get(line, ("", ""))[0] == rule.name), None)
            if excuse is None:
                yield Finding(path, first, rule.name, rule.says)
            else:
                needed.add(excuse)
    for line, (name, reason) in allowed.items():
        if not reason:
            yield Finding(path, line, name, "allowed without a reason")
        if line not in needed:
            yield Finding(path, line, name, "allowed, but not found here")


def _allowances(source: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """(line that it is about, (rule, reason))."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and (match := _ALLOWED.search(token.string)):
            line, column = token.start
            stands_alone = not token.line[:column].strip()
            yield line + stands_alone, (match[1], match[2] or "")
