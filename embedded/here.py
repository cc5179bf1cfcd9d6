"""The server on this machine, for commands that were told of none: the one that runs, or one that is started."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from client.commands import jobs, speak, voices
from client.errors import ClientError
from embedded.beside import find_run
from embedded.errors import RunError
from embedded.parse import content_of
from embedded.settings import EmbeddedSettings
from service.requests.script.files import UnreadableFile, script_file
from service.settings import ServiceSettings
from storage.logs import LogSettings, configure_logs
from storage.process import interrupt_on_signals
from storage.settings import read


def speak_here(argv: list[str]) -> int:
    """`readthrough speak`."""
    # The progress bar has the terminal; what goes wrong is still told.
    configure_logs(LogSettings(log_level="warning"))
    interrupt_on_signals()
    return speak.main(argv, running_or_started, _text_of)


def _text_of(name: str) -> str:
    """The text of a script's file; in which encoding, is said where it is not the usual one.

    Raises:
        ClientError: it is no script.
        OSError: it cannot be read.
    """
    try:
        file = script_file(name, content_of(name))
    except UnreadableFile as error:
        raise ClientError(f"{name}: {error}") from error
    if file.charset not in {None, "UTF-8"}:
        sys.stderr.write(f"{name} is read as {file.charset}: `readthrough parse {name}` shows how\n")
    return file.text


def jobs_here(argv: list[str]) -> int:
    """`readthrough jobs`."""
    return jobs.main(argv, running)


def voices_here(argv: list[str]) -> int:
    """`readthrough voices`."""
    return voices.main(argv, running)


@contextmanager
def running() -> Generator[str]:
    """The address of the server that runs here.

    Raises:
        ClientError: there is none.
    """
    url = _found()
    if url is None:
        directory = read(EmbeddedSettings).data_dir.absolute()
        raise ClientError(f"no `readthrough run` is at work in {directory}: start it, or name a server by --server URL")
    yield url


@contextmanager
def running_or_started() -> Generator[str]:
    """The address of the server that runs here, or else of one that runs as long as the block."""
    url = _found()
    if url is not None:
        yield url
        return
    from embedded.run import everything  # noqa: PLC0415 # all of the server: not for whoever only asks another one

    sys.stderr.write("Starting PostgreSQL, the object store, the worker and the API ...\n")
    # Any free port will do: nobody else has to find this server.
    settings = read(ServiceSettings).model_copy(update={"port": 0})
    try:
        with everything(settings) as system:
            serving = threading.Thread(target=system.api.serve, name="api")
            serving.start()
            try:
                yield system.api.url
            finally:
                system.api.stop()
                serving.join()
    except RunError as error:
        raise ClientError(str(error)) from error


def _found() -> str | None:
    try:
        run = find_run(read(EmbeddedSettings).data_dir.absolute())
    except OSError:
        return None
    return None if run is None else run.url
