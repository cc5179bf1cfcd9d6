"""The servers of a run: PostgreSQL and S3 in `DATA_DIR`, each unless its URL is given."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from embedded.beside import NOTE, RunBeside, announced, forget_killed_run
from embedded.directory import DirectoryLock
from embedded.object_store import ObjectStore
from embedded.postgres import Postgres
from embedded.server import EmbeddedServer
from embedded.settings import EmbeddedSettings
from storage.settings import DatabaseSettings, ObjectStoreSettings, read

#: A start that takes longer is worth a word, in seconds.
_SLOW_S: Final = 1.0

#: What a run puts into `DATA_DIR`.
_OURS: Final = frozenset({"lock", NOTE, "postgres", "object-store"})


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the database and the object store are. `postgres`, `objects`: ours; None where another one is given."""

    directory: Path
    postgres: Postgres | None
    objects: ObjectStore | None

    @property
    def embedded(self) -> Sequence[EmbeddedServer]:
        """Those that are ours."""
        return [server for server in (self.postgres, self.objects) if server is not None]

    @property
    def database(self) -> DatabaseSettings:
        """Where the database is; ours, once it is started. Raises SettingsError."""
        return read(DatabaseSettings) if self.postgres is None else DatabaseSettings(database_url=self.postgres.url)

    @property
    def object_store(self) -> ObjectStoreSettings:
        """Where the object store is; ours, once it is started. Raises SettingsError."""
        if self.objects is None:
            return read(ObjectStoreSettings)
        return ObjectStoreSettings(
            s3_endpoint_url=self.objects.endpoint_url,
            aws_access_key_id=self.objects.access_key_id,
            aws_secret_access_key=self.objects.secret_access_key,
        )

    def announced(self, url: str) -> AbstractContextManager[None]:
        """Have commands beside this run, whose page is at `url`, find what is ours, for as long as the block runs."""
        if not self.embedded:
            return nullcontext()
        database = {} if self.postgres is None else {"DATABASE_URL": self.postgres.url}
        object_store = (
            {}
            if self.objects is None
            else {
                "S3_ENDPOINT_URL": self.objects.endpoint_url,
                "AWS_ACCESS_KEY_ID": self.objects.access_key_id,
                "AWS_SECRET_ACCESS_KEY": self.objects.secret_access_key,
            }
        )
        return announced(self.directory, RunBeside(url, database, object_store))


def say_nothing(line: str) -> None:
    """For a start that nobody watches."""


@contextmanager
def servers(settings: EmbeddedSettings, say: Callable[[str], None] = say_nothing) -> Generator[Servers]:
    """Both, for as long as the block runs. What is not given is started, side by side.

    `say`: is told, in a line, what a slow start waits for.

    Raises:
        EmbeddedServerError: a server cannot start, or its directory or port is in use.
    """
    directory = settings.data_dir.absolute()
    given = Servers(
        directory,
        None if settings.database_url else Postgres(directory / "postgres", settings={"max_connections": "200"}),
        None if settings.s3_endpoint_url else ObjectStore(directory / "object-store"),
    )
    with ExitStack() as stack:
        if given.embedded:
            stack.enter_context(DirectoryLock(directory))
            _close_to_others(directory)
            forget_killed_run(directory)
            _start(given.embedded, stack, say)
        yield given


def _start(embedded: Sequence[EmbeddedServer], stack: ExitStack, say: Callable[[str], None]) -> None:
    with ThreadPoolExecutor(len(embedded)) as pool:
        starting = {pool.submit(stack.enter_context, server): server for server in embedded}
        # In here, so that a process that is told to stop meanwhile sees the start to its end, and then ends it.
        late = wait(starting, timeout=_SLOW_S).not_done
        if late:
            say(f"Starting {' and '.join(starting[each].title for each in late)} …")
        wait(starting)
    for started in starting:
        started.result()


def _close_to_others(directory: Path) -> None:
    """Take the directory from other accounts, unless it holds more than a run puts there: it may be `/tmp`."""
    if {entry.name for entry in directory.iterdir()} <= _OURS:
        directory.chmod(0o700)
