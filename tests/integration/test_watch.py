"""What looks after a run: when a server is started again, and when that is given up."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from embedded.errors import EmbeddedServerError
from embedded.object_store import ObjectStore
from embedded.postgres import SETTINGS_OF_A_TEST, Postgres
from embedded.watch import Revival
from tests.integration.system import wait_until


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_server_that_lives_is_left_alone(server_directory: Path) -> None:
    with ObjectStore(server_directory) as store:
        pid = store.pid

        Revival(store).look()

        assert store.pid == pid


def test_a_server_that_has_died_is_there_again_at_its_port(server_directory: Path) -> None:
    with ObjectStore(server_directory) as store:
        port = store.port
        store.kill()

        Revival(store).look()

        socket.create_connection(("127.0.0.1", port)).close()
        assert store.port == port


def test_the_fifth_death_in_a_row_is_the_last(server_directory: Path) -> None:
    with ObjectStore(server_directory) as store:
        revival = Revival(store, Clock())
        for _ in range(4):
            store.kill()
            revival.look()
        store.kill()

        with pytest.raises(EmbeddedServerError, match="object-store has died 5 times in a row"):
            revival.look()


def test_deaths_far_apart_are_never_too_many(server_directory: Path) -> None:
    with ObjectStore(server_directory) as store:
        clock = Clock()
        revival = Revival(store, clock)
        for _ in range(6):
            clock.now_s += 61
            store.kill()
            revival.look()

        assert not store.has_ended


def test_a_start_that_fails_is_a_death(server_directory: Path) -> None:
    with ObjectStore(server_directory) as store:
        revival = Revival(store, Clock())
        store.kill()
        with socket.create_server(("127.0.0.1", store.port)):
            for _ in range(3):
                revival.look()

            with pytest.raises(EmbeddedServerError, match=f"5 times in a row: port {store.port}, where the object"):
                revival.look()


def test_postgresql_whose_first_process_alone_was_killed_starts_again(server_directory: Path) -> None:
    with Postgres(server_directory, settings=SETTINGS_OF_A_TEST) as server:
        with closing(psycopg.connect(server.url)) as connection:
            # Too busy to notice the end of its parent, and as long as it is there no other server can start.
            connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 100000000000)")
            os.kill(server.pid, signal.SIGKILL)
            wait_until(lambda: server.has_ended, "it is dead")

            Revival(server).look()

        assert not server.has_ended
