"""The embedded PostgreSQL: keeps its data, says in one line why it cannot start."""

import os
import stat
from pathlib import Path

import psycopg
import pytest

from embedded.errors import EmbeddedServerError
from embedded.postgres import SETTINGS_OF_A_TEST, Postgres


@pytest.fixture(scope="module")
def server(session_directory: Path) -> Postgres:
    """One for this module, stopped: each test starts it."""
    return Postgres(session_directory / "postgres-of-this-module", settings=SETTINGS_OF_A_TEST)


def test_data_survives_a_stop_and_a_kill(server: Postgres):
    with server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept (line text)")
            connection.execute("INSERT INTO kept VALUES ('before the stop')")
        server.restart()
        with psycopg.connect(server.url) as connection:
            connection.execute("INSERT INTO kept VALUES ('before the kill')")
        server.kill()
        server.start()

        with psycopg.connect(server.url) as connection:
            lines = [line for (line,) in connection.execute("SELECT line FROM kept")]
    assert lines == ["before the stop", "before the kill"]


def test_open_connections_do_not_delay_a_stop(server: Postgres):
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("SELECT 1")

        server.stop()

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_settings_are_passed_on(server: Postgres):
    with server, psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def test_a_setting_that_does_not_exist_is_named(server: Postgres):
    wrong = Postgres(server.directory, settings={"no_such_setting": "1"})

    with pytest.raises(EmbeddedServerError, match=r"postgres did not start: .*no_such_setting"):
        wrong.start()


def test_data_of_another_version_is_refused(server_directory: Path):
    data = server_directory / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")

    with pytest.raises(EmbeddedServerError, match="was written by PostgreSQL 16, this is 18"):
        Postgres(server_directory).start()


def test_the_pid_file_of_a_run_before_a_reboot_does_not_matter(server: Postgres):
    # Given a crash, and a pid that has since gone to a stranger
    server.start()
    server.kill()
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        pid_file = server.directory / "data" / name
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    with server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_path_too_long_for_a_socket_gets_a_short_one_elsewhere(server_directory: Path):
    deep = server_directory / "a, directory with a rather long name" / ("x" * 100)

    with Postgres(deep) as server:
        url = server.url
        server.kill()
        server.start()
        assert server.url == url
        with psycopg.connect(server.url) as connection:
            host = Path(connection.info.host)
        assert stat.S_IMODE(host.stat().st_mode) == 0o700

    assert not host.exists()


def test_nobody_else_may_enter(server: Postgres):
    with server, psycopg.connect(server.url) as connection:
        assert stat.S_IMODE(Path(connection.info.host).stat().st_mode) == 0o700
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_test_gets_a_database_of_its_own(database_url: str, postgres_server: Postgres):
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT current_database() <> 'readthrough'").fetchone() == (True,)
