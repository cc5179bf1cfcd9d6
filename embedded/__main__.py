"""`readthrough`: one command, and behind each of its words one process. A process loads its own packages only."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from dataclasses import dataclass
from typing import Final

from embedded.beside import beside_a_run
from storage.process import Command, run_command


@dataclass(frozen=True, slots=True)
class _Word:
    module: str
    what_it_does: str
    function: str = "main"
    #: Whether it is for operators, beside whatever runs: it finds the embedded servers by itself.
    beside_a_run: bool = False


COMMANDS: Final = {
    "run": _Word("embedded.run", "everything on this machine, in one process: the quickest way to begin"),
    "speak": _Word("embedded.here", "a script goes in, its audio comes out", "speak_here"),
    "jobs": _Word("embedded.here", "lists jobs; shows, follows, cancels, resubmits and downloads one", "jobs_here"),
    "voices": _Word("embedded.here", "lists providers and their voices", "voices_here"),
    "api": _Word("service.__main__", "the HTTP API"),
    "worker": _Word("actors.__main__", "speaks the turns of jobs and joins them"),
    "scheduler": _Word("scheduler.__main__", "sends again what is due; puts away what is dead, late or old"),
    "migrate": _Word("storage.migrate", "brings the tables up to date; before the others", beside_a_run=True),
    "parse": _Word("embedded.parse", "a script from a file as people have it, as `Name: text`"),
    "keys": _Word("storage.keys", "makes, lists and revokes API keys", beside_a_run=True),
}

USAGE: Final = "\n".join(
    [
        "usage: readthrough COMMAND [OPTIONS]",
        "",
        *(f"  {name:<10} {word.what_it_does}" for name, word in COMMANDS.items()),
        "",
        "readthrough COMMAND --help tells the options, readthrough --version the version.",
        "Settings come from the environment; the README has the table.",
        "",
    ]
)


def main() -> int:
    """Run the command that the arguments name; its exit code."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in {"-h", "--help", "help"}:
        sys.stdout.write(USAGE)
        return 0
    if name in {"-V", "--version", "version"}:
        sys.stdout.write(f"readthrough {importlib.metadata.version('readthrough')}\n")
        return 0
    word = COMMANDS.get(name)
    if word is None:
        sys.stderr.write(f"readthrough: there is no command {name!r}\n\n{USAGE}")
        return 2
    command: Command = getattr(importlib.import_module(word.module), word.function)
    return run_command(beside_a_run(command) if word.beside_a_run else command, arguments)


if __name__ == "__main__":
    sys.exit(main())
