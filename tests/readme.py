"""The README as a reader uses it: the quickstart's lines, and a terminal that they are pasted into.

Standard library only: `make fresh` uses it where nothing is installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

#: Where the README says that the API is.
ADDRESS: Final = "http://127.0.0.1:8000"

#: A terminal with an interactive shell in it. What comes to its standard input is what is typed.
TERMINAL: Final = (
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(['bash', '--noprofile', '--norc', '-i'])))"
)

#: What a terminal puts around a text that is pasted, where the shell has asked for it ("bracketed paste").
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"


def quickstart(readme: str) -> str:
    """The block of shell lines behind its mark."""
    found = re.search(r"<!-- quickstart:.*?-->\n```sh\n(.*?)```", readme, re.DOTALL)
    if found is None:
        raise ValueError("there is no quickstart")
    return found[1]


def paste(
    lines: str, directory: Path, environment: Mapping[str, str], *, in_brackets: bool, timeout_s: float = 120
) -> str:
    """What the terminal shows when these lines are pasted into bash, all at once.

    Raises:
        subprocess.TimeoutExpired: the shell did not come to the end of them.
    """
    pasted = f"{PASTE_BEGINS}{lines}{PASTE_ENDS}" if in_brackets else lines
    terminal = subprocess.run(
        [sys.executable, "-c", TERMINAL],
        input=f"{pasted}\nexit\n",
        cwd=directory,
        # A shell asks a dumb terminal for no brackets.
        env={**environment, "TERM": "xterm" if in_brackets else "dumb"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
        check=False,
    )
    return terminal.stdout
