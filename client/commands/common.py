"""What the commands share: the server they talk to, how they tell what went wrong, and their exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from client.errors import ClientError, JobNotCompleted
from client.settings import ClientSettings
from client.synchronous import Readthrough

#: Exit codes: of a job that has ended without audio, of what went wrong before, of an interruption (128 + SIGINT).
NOT_COMPLETED: Final = 3
WENT_WRONG: Final = 1
INTERRUPTED: Final = 130

#: The address of a server where none was named, which is there for as long as the block runs.
Here = Callable[[], AbstractContextManager[str]]


def server_options() -> argparse.ArgumentParser:
    """The options that every command has, to be a parent of its parser."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--server", metavar="URL", help="a server that runs; by default the one on this machine")
    parser.add_argument("--key", help="an API key; by default what READTHROUGH_API_KEY holds")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    return parser


@contextmanager
def connected(given: argparse.Namespace, here: Here) -> Generator[Readthrough]:
    """A client of the server that the arguments name, or of the one that is here."""
    settings = ClientSettings()
    key = given.key or settings.key
    with (
        nullcontext(given.server) if given.server else here() as url,
        Readthrough(url, key, accept_language=settings.language) as client,
    ):
        yield client


def told(prog: str, command: Callable[[], int]) -> int:
    """The exit code of a command; what went wrong is said in one line."""
    try:
        return command()
    except JobNotCompleted as error:
        return _wrong(prog, error, NOT_COMPLETED)
    except (ClientError, OSError, UnicodeError) as error:
        return _wrong(prog, error, WENT_WRONG)
    except KeyboardInterrupt:
        return _wrong(prog, "interrupted", INTERRUPTED)


def say(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{line}\n")


def say_json(answer: Any) -> None:
    """The same, as JSON."""
    say(json.dumps(answer, ensure_ascii=False))


def _wrong(prog: str, error: object, code: int) -> int:
    sys.stderr.write(f"{prog}: {error}\n")
    return code
