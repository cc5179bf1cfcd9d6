"""What a run leaves in `DATA_DIR` while it lives, so that a command beside it finds its servers and its page."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from embedded.directory import DirectoryLock, write_private_file
from embedded.settings import EmbeddedSettings
from storage.process import Command
from storage.settings import MissingSetting, SettingsError, read, supply

#: The file, in `DATA_DIR`. It names the secret of the object store: its owner alone may read it.
NOTE: Final = "run.json"


@dataclass(frozen=True, slots=True)
class RunBeside:
    """A `readthrough run` at work on this machine.

    `url`: of its page.
    `database`, `object_store`: the settings of the environment, by their names, that lead to the server that it has
    started; empty where it was given another.
    """

    url: str
    database: Mapping[str, str]
    object_store: Mapping[str, str]


@contextmanager
def announced(directory: Path, run: RunBeside) -> Generator[None]:
    """Let commands find the run, which holds the directory, for as long as the block runs."""
    note = directory / NOTE
    write_private_file(note, json.dumps(asdict(run)))
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def forget_killed_run(directory: Path) -> None:
    """Take away the note of a run that could not do so itself. Whoever calls this holds the directory."""
    (directory / NOTE).unlink(missing_ok=True)


def find_run(directory: Path) -> RunBeside | None:
    """The run that holds this directory and is ready; None when there is none.

    Raises:
        OSError: we may not know.
    """
    try:
        text = (directory / NOTE).read_text()
    except FileNotFoundError:
        return None
    # A run that was killed has left its note, and perhaps its servers, which nobody stops when we are done.
    return RunBeside(**json.loads(text)) if DirectoryLock(directory).is_held else None


def beside_a_run(command: Command) -> Command:
    """The command with the servers of the run beside it for its own, as far as the environment names none."""

    def run_beside(arguments: list[str]) -> int:
        settings = read(EmbeddedSettings)
        directory = settings.data_dir.absolute()
        nothing_found = f"no `readthrough run` is at work in {directory}"
        try:
            run = find_run(directory)
        except OSError as error:
            run, nothing_found = None, f"{directory} cannot be looked into: {error.strerror}"
        if run is not None:
            supply(run.database if settings.database_url is None else {})
            # With its keys, whatever keys of somebody else's the environment holds.
            supply(run.object_store if settings.s3_endpoint_url is None else {})
        try:
            return command(arguments)
        except MissingSetting as error:
            if run is not None:
                raise
            raise SettingsError(f"{error}, and {nothing_found}") from None

    return run_beside
