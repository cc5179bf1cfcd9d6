"""RabbitMQ: the broker, whose loss costs seconds and no job."""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

import pika
from dramatiq.common import dq_name, xq_name
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from embedded.errors import EmbeddedServerError
from storage.stages import QUEUES
from tests.chaos.cluster import Cluster
from tests.chaos.faults.kind import NotInjected, frozen

_A_WHILE_S: Final = (2.0, 8.0)


def rabbitmq_killed(cluster: Cluster, dice: random.Random) -> None:
    """kill -9. Healed: it is started again, with every message that it has confirmed."""
    rabbitmq = cluster.ground.rabbitmq
    rabbitmq.kill()
    cluster.let_pass(dice.uniform(0.2, 4))
    rabbitmq.start()


def rabbitmq_frozen(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP for seconds. Healed: it goes on."""
    with frozen(cluster.ground.rabbitmq.pid):
        cluster.let_pass(dice.uniform(1, 10))


def rabbitmq_data_deleted(cluster: Cluster, dice: random.Random) -> None:
    """Every message and every queue is gone, as after the loss of a disk. Healed: it is started again, empty."""
    rabbitmq = cluster.ground.rabbitmq
    rabbitmq.kill()
    rabbitmq.wipe()
    cluster.let_pass(dice.uniform(0.2, 2))
    rabbitmq.start()


def rabbitmq_restarted(cluster: Cluster, dice: random.Random) -> None:
    """Stopped in order, as at an upgrade. Healed: it is started again."""
    rabbitmq = cluster.ground.rabbitmq
    rabbitmq.stop()
    cluster.let_pass(dice.uniform(0.2, 2))
    rabbitmq.start()


def rabbitmq_connections_closed(cluster: Cluster, dice: random.Random) -> None:
    """The broker hangs up on everybody. Healed: whoever needs a connection makes a new one."""
    _control(cluster, "close_all_connections", "chaos")


def rabbitmq_memory_alarm(cluster: Cluster, dice: random.Random) -> None:
    """It has too little memory, and takes no message. Healed: it has enough."""
    _limit(cluster, dice, "set_vm_memory_high_watermark", too_little="0.00001", enough="0.4")


def rabbitmq_disk_alarm(cluster: Cluster, dice: random.Random) -> None:
    """It has too little room on its disk, and takes no message. Healed: it has enough."""
    _limit(cluster, dice, "set_disk_free_limit", too_little=str(10**15), enough="50MB")


def rabbitmq_queues_purged(cluster: Cluster, dice: random.Random) -> None:
    """An operator empties every queue. Healed: what was lost is sent again."""
    with _channel(cluster) as channel:
        for queue in _every_queue():
            channel.queue_purge(queue)


def rabbitmq_queues_deleted(cluster: Cluster, dice: random.Random) -> None:
    """An operator deletes every queue, with all that is in it. Healed: they are made again."""
    with _channel(cluster) as channel:
        for queue in _every_queue():
            channel.queue_delete(queue)


def _every_queue() -> Sequence[str]:
    """Ours, and those in which Dramatiq keeps what is delayed and what is given up."""
    return [name for queue in QUEUES for name in (queue, dq_name(queue), xq_name(queue))]


@contextmanager
def _channel(cluster: Cluster) -> Generator[BlockingChannel]:
    """Raises NotInjected where there is none to be had."""
    try:
        connection = pika.BlockingConnection(pika.URLParameters(cluster.ground.rabbitmq_url))
        try:
            yield connection.channel()
        finally:
            connection.close()
    except AMQPError as error:
        raise NotInjected from error


def _limit(cluster: Cluster, dice: random.Random, command: str, *, too_little: str, enough: str) -> None:
    _control(cluster, command, too_little)
    try:
        cluster.let_pass(dice.uniform(*_A_WHILE_S))
    finally:
        cluster.ground.rabbitmq.control(command, enough)


def _control(cluster: Cluster, *words: str) -> None:
    try:
        cluster.ground.rabbitmq.control(*words)
    except EmbeddedServerError as error:
        raise NotInjected from error
