"""The real servers that the tests run on: started when a test first asks, shared by the run, gone at its end.

A test gets a database, a bucket and a virtual host of its own: `database_url`, `bucket`, `rabbitmq_url`.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

import boto3
import pika
import psycopg
import pytest
from botocore.config import Config

from embedded.directory import DirectoryLock
from embedded.object_store import ObjectStore
from embedded.postgres import SETTINGS_OF_A_TEST, Postgres
from embedded.processes import wait_until_gone
from storage.migrate import migrate
from storage.stages import QUEUES as STAGE_QUEUES
from tests.leftovers import SESSION_VARIABLE, clean_up_after_killed_sessions, describe, processes_of
from tests.servers.obtain import obtain_rabbitmq
from tests.servers.rabbitmq import RabbitMQ

#: What the tests of the guide lay into a copy of the tree, where it is tests; here it is not.
collect_ignore = ["guide"]

#: How much room in memory the servers' files may need, in bytes. Docker gives a container 64 MB.
ROOM_IN_MEMORY_BYTES = 2_000_000_000

#: The database that every test's is a copy of.
TEMPLATE_DATABASE = "template_of_tests"

#: How many virtual hosts are made at a time: some 30 ms each when the node starts, 40 ms each later.
VIRTUAL_HOSTS_AT_A_TIME = 16

#: What our actors declare. Deleted before and after a test on a RabbitMQ that is not ours, where a virtual host
#: cannot be had.
QUEUES = [f"{queue}{suffix}" for queue in STAGE_QUEUES for suffix in ("", ".DQ", ".XQ")]


def sessions_directory() -> Path:
    """Where the files of all test runs of this account are, one directory a run.

    In memory where there is room: a copy of the template takes 15 ms there, on a disk up to 250.
    """
    memory = Path("/dev/shm")  # noqa: S108 - not a file's name that could be foreseen: mkdtemp is used inside
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_IN_MEMORY_BYTES
    return (memory if has_room else Path(tempfile.gettempdir())) / f"readthrough-tests-{os.getuid()}"


def pytest_configure() -> None:
    """Take a SIGTERM as a Ctrl-C, or the servers would outlive us."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    # Whoever was started by nohup ignores the one, and by a shell in the background the other; and so would every
    # process that the tests start.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, interrupt)


@pytest.fixture(scope="session", autouse=True)
def session_directory() -> Iterator[Path]:
    """Where the servers of this run keep their files. Its end fails the run if a process of ours is left."""
    sessions = sessions_directory()
    clean_up_after_killed_sessions(sessions)
    sessions.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=sessions, prefix="") as name, DirectoryLock(Path(name)):
        directory = Path(name)
        os.environ[SESSION_VARIABLE] = name
        yield directory
        left = processes_of(directory)
        if not wait_until_gone(left, timeout_s=3):
            words = "\n".join(describe(process) for process in left)
            for process in left:
                process.kill()
            pytest.fail(f"processes that the tests started are left:\n{words}")


@pytest.fixture
def server_directory(session_directory: Path) -> Path:
    """An empty directory for a server that a test starts itself: what is left running in it fails the run."""
    return Path(tempfile.mkdtemp(dir=session_directory, prefix=""))


@pytest.fixture(scope="session")
def postgres_server(session_directory: Path) -> Iterator[Postgres]:
    """The PostgreSQL of the run. Who kills it starts it again; `database_url` does so too."""
    with Postgres(session_directory / "postgres", settings=SETTINGS_OF_A_TEST) as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres_server: Postgres) -> str:
    """The name of the migrated database that tests get copies of; nobody may be connected to it meanwhile."""
    _administer(postgres_server, f"CREATE DATABASE {TEMPLATE_DATABASE}")
    migrate(postgres_server.url_of(TEMPLATE_DATABASE))
    return TEMPLATE_DATABASE


@pytest.fixture
def database_url(postgres_server: Postgres, template_database: str) -> Iterator[str]:
    """A migrated, empty database for one test, as `postgresql://...`."""
    postgres_server.start()
    name = f"test_{uuid4().hex}"
    _administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY FILE_COPY")
    yield postgres_server.url_of(name)
    postgres_server.start()
    _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def object_store(session_directory: Path) -> Iterator[ObjectStore]:
    """The S3 server of the run. Who kills it starts it again; `bucket` does so too."""
    with ObjectStore(session_directory / "object-store") as server:
        yield server


@pytest.fixture(scope="session")
def s3_client(object_store: ObjectStore) -> Any:
    """A boto3 client of the run's S3 server."""
    return boto3.client(
        "s3",
        endpoint_url=object_store.endpoint_url,
        aws_access_key_id=object_store.access_key_id,
        aws_secret_access_key=object_store.secret_access_key,
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@pytest.fixture
def bucket(object_store: ObjectStore, s3_client: Any) -> Iterator[str]:
    """The name of an empty bucket for one test."""
    object_store.start()
    name = f"test-{uuid4().hex}"
    s3_client.create_bucket(Bucket=name)
    yield name
    object_store.start()
    for page in s3_client.get_paginator("list_objects_v2").paginate(Bucket=name):
        keys = [{"Key": item["Key"]} for item in page.get("Contents", ())]
        if keys:
            deleted = s3_client.delete_objects(Bucket=name, Delete={"Objects": keys})
            assert not deleted.get("Errors")


@pytest.fixture(scope="session")
def rabbitmq(session_directory: Path) -> Iterator[RabbitMQ]:
    """The RabbitMQ of the run, a node of its own. Who kills it starts it again; `rabbitmq_url` does so too.

    With RABBITMQ_URL the tests that need a node which they may kill are skipped: that one is somebody's.
    """
    if os.environ.get("RABBITMQ_URL"):
        pytest.skip("RABBITMQ_URL is set, and this test needs a RabbitMQ that it may kill")
    with obtain_rabbitmq(session_directory / "rabbitmq") as server:
        yield server


@pytest.fixture(scope="session")
def take_virtual_host(rabbitmq: RabbitMQ) -> Callable[[], str]:
    """Gives the URL of a virtual host that was never used, each time that it is called."""
    unused: list[str] = []

    def take() -> str:
        if not unused:
            unused.extend(f"test-{uuid4().hex}" for _ in range(VIRTUAL_HOSTS_AT_A_TIME))
            rabbitmq.add_virtual_hosts(unused)
        return rabbitmq.url_of(unused.pop())

    return take


@pytest.fixture
def rabbitmq_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty RabbitMQ for one test, as `amqp://...`: a virtual host of our node's, or RABBITMQ_URL if that is set."""
    given = os.environ.get("RABBITMQ_URL")
    if given:
        _delete_queues(given)
        yield given
        _delete_queues(given)
    else:
        rabbitmq: RabbitMQ = request.getfixturevalue("rabbitmq")
        rabbitmq.start()
        yield request.getfixturevalue("take_virtual_host")()


def _administer(server: Postgres, statement: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _delete_queues(url: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        channel = connection.channel()
        for queue in QUEUES:
            channel.queue_delete(queue)
    finally:
        connection.close()
