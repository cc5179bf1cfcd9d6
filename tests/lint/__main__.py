"""`python -m tests.lint`: looks through the tree; 1 when a rule is broken. `--stories` tells the rules instead."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from tests.lint.rules import RULES, findings_in_tree

ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.lint", description="Look for defects that were made before.")
    parser.add_argument("--stories", action="store_true", help="tell each rule, and why it is there")
    if parser.parse_args(arguments).stories:
        for rule in RULES:
            sys.stdout.write(f"{rule.name}: {rule.says}\n{textwrap.indent(textwrap.fill(rule.story, 100), '    ')}\n\n")
        return 0
    findings = findings_in_tree(ROOT)
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    if findings:
        sys.stdout.write("`python -m tests.lint --stories` tells why\n")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
