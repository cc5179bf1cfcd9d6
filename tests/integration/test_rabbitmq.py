"""The private RabbitMQ node, and the ways to get one."""

import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

import pika
import psutil
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from embedded.errors import EmbeddedServerError
from embedded.processes import wait_until_gone
from tests.servers import obtain
from tests.servers.rabbitmq import RabbitMQ


@contextlib.contextmanager
def channel_of(url: str) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        yield connection.channel()
    finally:
        # Where the node was killed, it is closed already.
        with contextlib.suppress(AMQPError):
            connection.close()


def test_a_message_goes_in_and_comes_out(rabbitmq_url: str):
    with channel_of(rabbitmq_url) as channel:
        channel.queue_declare("lines")
        channel.basic_publish("", "lines", b"to be")

        _, _, body = channel.basic_get("lines", auto_ack=True)
    assert body == b"to be"


def test_a_test_gets_a_virtual_host_of_its_own(rabbitmq: RabbitMQ, rabbitmq_url: str):
    with channel_of(rabbitmq.url) as channel:
        channel.queue_declare("in-the-default-host", exclusive=True)

        with channel_of(rabbitmq_url) as other, pytest.raises(AMQPError, match="NOT_FOUND"):
            other.queue_declare("in-the-default-host", passive=True)


def test_confirmed_durable_messages_survive_a_kill(rabbitmq: RabbitMQ):
    with channel_of(rabbitmq.url) as channel:
        channel.confirm_delivery()
        channel.queue_declare("lines", durable=True)
        for _ in range(100):
            channel.basic_publish("", "lines", b"to be", pika.BasicProperties(delivery_mode=2))
        node = psutil.Process(rabbitmq.pid)
        rabbitmq.kill()
        assert wait_until_gone([node], timeout_s=0)

    rabbitmq.start()

    with channel_of(rabbitmq.url) as channel:
        assert channel.queue_delete("lines").method.message_count == 100


def test_the_node_listens_on_loopback_alone_and_brings_its_own_port_mapper(rabbitmq: RabbitMQ):
    node = psutil.Process(rabbitmq.pid)
    mapper = psutil.Process(rabbitmq.port_mapper_pid)
    listening = {
        ipaddress.ip_address(connection.laddr.ip)
        for process in (node, mapper)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }

    assert listening
    assert all(address.is_loopback for address in listening)


def test_a_taken_port_is_named(server_directory: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(EmbeddedServerError, match=f"port {port}, where RabbitMQ should listen"):
            RabbitMQ(server_directory, port=port).start()


def test_without_any_way_to_get_one_it_says_what_to_install(server_directory: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(obtain, "rabbitmq_programs", lambda: None)
    monkeypatch.setattr(obtain, "has_docker_engine", lambda: False)

    with pytest.raises(EmbeddedServerError, match=r"apt-get install .*rabbitmq-server"):
        obtain.obtain_rabbitmq(server_directory)
