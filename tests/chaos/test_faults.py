"""The kinds of fault: what a client meets under each that needs no load, and that it is healed afterwards."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pika
import psutil
import psycopg
import pytest
from pika.exceptions import AMQPError

from storage.errors import DatabaseUnavailable
from storage.jobs import LOCAL_USER_ID
from storage.stores import Stores
from tests.chaos.cluster import ROOT, Cast, Cluster, wait_until
from tests.chaos.faults import postgres, rabbitmq
from tests.chaos.faults.kind import Strike
from tests.chaos.faults.table import KINDS
from tests.chaos.ground import Ground
from tests.chaos.process import Failpoint, was_obeyed
from tests.samples import script

NOBODY = Cast(apis=0, workers=0, schedulers=0)


@pytest.fixture
def cluster(ground: Ground, server_directory: Path) -> Iterator[Cluster]:
    made = Cluster(ground, server_directory, NOBODY)
    yield made
    made.close()


@pytest.fixture
def stores(cluster: Cluster) -> Iterator[Stores]:
    with cluster.ground.stores() as stores:
        yield stores


@contextmanager
def under(strike: Strike, cluster: Cluster) -> Iterator[None]:
    """The fault has begun, and lasts for as long as the block runs, or a few seconds; it is healed then."""
    failures: list[BaseException] = []

    def inject() -> None:
        try:
            strike(cluster, random.Random(1))  # noqa: S311 # as in a run
        except BaseException as error:  # noqa: BLE001 # whatever it was: the test raises it
            failures.append(error)

    thread = threading.Thread(target=inject)
    thread.start()
    try:
        yield
    finally:
        cluster.hurry()
        thread.join()
    assert not failures, failures


def fails(do: Callable[[], object], error: type[Exception]) -> Callable[[], bool]:
    def has_failed() -> bool:
        try:
            do()
        except error:
            return True
        return False

    return has_failed


def succeeds(do: Callable[[], object]) -> Callable[[], bool]:
    return lambda: not fails(do, Exception)()


def connect(ground: Ground) -> psycopg.Connection:
    return psycopg.connect(ground.database_url, autocommit=True, options="-c lock_timeout=100")


def test_there_are_forty_kinds_and_each_says_what_it_is_and_how_it_is_healed() -> None:
    names = [kind.name for kind in KINDS]

    assert len(set(names)) == len(names) >= 40
    for kind in KINDS:
        assert re.search(r"\. (Healed|Nothing is to be healed): .+", kind.strike.__doc__ or ""), kind.name


def test_a_process_that_freezes_at_a_failpoint_stands_there_until_somebody_lets_it_go_on(tmp_path: Path) -> None:
    orders = tmp_path / "orders"
    Failpoint("put", "before", 2, "freezes").order(orders)
    program = "import sys; from pathlib import Path; from tests.chaos.process import Executioner\n"
    program += "executioner = Executioner(Path(sys.argv[1]))\n"
    program += "for _ in range(3): executioner.passes('put', 'before')"

    with subprocess.Popen([sys.executable, "-c", program, str(orders)], cwd=ROOT) as process:
        try:
            wait_until(lambda: was_obeyed(orders), 60, "the failpoint was reached")
            is_stopped = lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED  # noqa: E731
            wait_until(is_stopped, 10, "it has stopped")
            process.send_signal(signal.SIGCONT)
            assert process.wait(60) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("strike", [postgres.postgres_takes_no_writes, postgres.postgres_disk_full])
def test_what_cannot_be_written_is_an_outage_and_is_over_when_it_is_healed(
    cluster: Cluster, stores: Stores, strike: Strike
) -> None:
    def submit() -> None:
        stores.jobs.cancel(LOCAL_USER_ID, stores.jobs.submit(LOCAL_USER_ID, script()).id)

    with under(strike, cluster):
        wait_until(fails(submit, DatabaseUnavailable), 10, "a submit fails")

    submit()


def test_without_a_connection_left_nobody_comes_in_and_who_was_in_is_out(cluster: Cluster) -> None:
    ground = cluster.ground
    with connect(ground) as before:
        with under(postgres.postgres_out_of_connections, cluster):
            wait_until(fails(lambda: connect(ground).close(), psycopg.OperationalError), 60, "nobody comes in")
            wait_until(fails(lambda: before.execute("SELECT 1"), psycopg.OperationalError), 60, "who was in is out")
        connect(ground).close()


def test_a_locked_table_cannot_even_be_read(cluster: Cluster) -> None:
    with connect(cluster.ground) as reader:

        def read() -> None:
            reader.execute("SELECT FROM jobs")

        with under(postgres.postgres_table_locked, cluster):
            wait_until(fails(read, psycopg.errors.LockNotAvailable), 10, "the table is locked")
        read()


@pytest.mark.parametrize("strike", [rabbitmq.rabbitmq_memory_alarm, rabbitmq.rabbitmq_disk_alarm])
def test_a_broker_with_its_alarm_on_takes_no_message_until_it_is_healed(cluster: Cluster, strike: Strike) -> None:
    parameters = pika.URLParameters(f"{cluster.ground.rabbitmq_url}?blocked_connection_timeout=1")

    def publish() -> None:
        with pika.BlockingConnection(parameters) as connection:
            channel = connection.channel()
            channel.queue_declare("of this test")
            channel.confirm_delivery()
            channel.basic_publish("", "of this test", b"!")

    with under(strike, cluster):
        wait_until(fails(publish, AMQPError), 30, "nothing can be published")
    wait_until(succeeds(publish), 30, "something can be published")


def test_the_clock_is_stepped_for_whoever_asks_and_not_for_the_audit(cluster: Cluster, stores: Stores) -> None:
    dice = random.Random(1)  # noqa: S311 # as in a run
    postgres.postgres_clock_goes_an_hour_ahead(cluster, dice)
    job = stores.jobs.submit(LOCAL_USER_ID, script())

    with connect(cluster.ground) as connection:
        query = "SELECT extract(epoch FROM created_at - at) FROM jobs JOIN moves ON job_id = id"
        (ahead_s,) = connection.execute(query).fetchone() or (0,)
        assert 3590 < ahead_s < 3610

        postgres.postgres_clock_goes_an_hour_back(cluster, dice)
        for clock in ("now", "statement_timestamp", "clock_timestamp"):
            (off_s,) = connection.execute(
                f"SELECT extract(epoch FROM {clock}() - pg_catalog.{clock}())"  # noqa: S608 # our own words
            ).fetchone() or (1,)
            assert abs(off_s) < 10
    with suppress(DatabaseUnavailable):
        stores.jobs.cancel(LOCAL_USER_ID, job.id)
