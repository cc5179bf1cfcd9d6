"""The publisher: never in the way of whoever publishes, and one connection however much there is to send."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psutil
import pytest

from actors.queue import publisher as module
from actors.queue.broker import FencedRabbitmqBroker, JobBroker, Pipeline, make_broker
from actors.queue.publisher import Publisher
from storage.jobs import new_id
from storage.stages import Stage
from tests.integration.system import wait_until
from tests.servers.rabbitmq import RabbitMQ


class Noted:
    """What is written down as sent."""

    def __init__(self) -> None:
        self.ids: list[UUID] = []

    def mark_published(self, ids: Sequence[UUID]) -> None:
        self.ids += ids


@contextmanager
def publishing(broker: JobBroker) -> Iterator[tuple[Callable[[int], list[UUID]], Noted]]:
    """A function that publishes so many, and what is noted."""
    noted = Noted()
    publisher = Publisher(broker, noted)  # pyright: ignore[reportArgumentType]

    def publish(count: int) -> list[UUID]:
        ids = [new_id() for _ in range(count)]
        for job_id in ids:
            publisher.publish(job_id, Stage.SYNTHESIZING)
        return ids

    publisher.start()
    yield publish, noted
    publisher.stop()
    broker.close()


def rabbitmq_broker(url: str) -> FencedRabbitmqBroker:
    made = make_broker([url])
    assert isinstance(made, FencedRabbitmqBroker)
    return made


def test_many_are_sent_over_one_connection_with_their_confirms_in_flight_together(
    rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_flight: list[int] = []
    settle = Pipeline._on_settled

    def watched(pipeline: Pipeline, frame: Any) -> None:
        in_flight.append(len(pipeline._unsettled))
        settle(pipeline, frame)

    monkeypatch.setattr(Pipeline, "_on_settled", watched)
    broker = rabbitmq_broker(rabbitmq_url)
    with publishing(broker) as (publish, noted):
        # Several threads, as the handlers of the API are.
        sent: list[UUID] = []
        threads = [threading.Thread(target=lambda: sent.extend(publish(50))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: len(noted.ids) == 400, "all are sent")

        assert set(noted.ids) == set(sent)
        assert len(broker.connections) == 1
        assert max(in_flight) > 1


def test_in_one_process_messages_go_into_its_queue() -> None:
    broker = make_broker(None)
    with publishing(broker) as (publish, noted):
        sent = publish(3)
        wait_until(lambda: noted.ids == sent, "all are sent")


@pytest.mark.parametrize("how", ["refused", "mute", "unknown"])
def test_a_broker_that_is_away_delays_nobody(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_AT_MOST", 200)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        where = {"refused": "127.0.0.1:1", "mute": f"127.0.0.1:{mute.getsockname()[1]}", "unknown": "rabbit.invalid"}
        began = time.monotonic()
        with publishing(rabbitmq_broker(f"amqp://guest:guest@{where[how]}/")) as (publish, noted):
            publish(1000)
            published_after_s = time.monotonic() - began
        assert published_after_s < 2
        assert time.monotonic() - began < 10
        assert noted.ids == []


def test_a_stop_waits_for_no_room_behind_a_broker_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_AT_MOST", 2)
    hanging, over = threading.Event(), threading.Event()

    def hang(*_: Any) -> Iterator[UUID]:
        hanging.set()
        over.wait(30)
        yield from ()

    monkeypatch.setattr(module, "announce", hang)
    publisher = Publisher(make_broker(None), Noted())  # pyright: ignore[reportArgumentType]
    publisher.start()
    publisher.publish(new_id(), Stage.SYNTHESIZING)
    assert hanging.wait(10)
    for _ in range(5):
        publisher.publish(new_id(), Stage.SYNTHESIZING)

    stopping = threading.Thread(target=publisher.stop, args=(0.1,))
    stopping.start()
    stopping.join(5)
    stopped = not stopping.is_alive()
    over.set()
    stopping.join()

    assert stopped


def test_a_job_that_is_announced_again_and_again_is_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by the scheduler, each second, while the broker is away."""
    hanging, over = threading.Event(), threading.Event()
    sent: list[UUID] = []

    def hang(_broker: JobBroker, batch: Sequence[tuple[UUID, Stage]]) -> Iterator[UUID]:
        hanging.set()
        assert over.wait(30)
        for job_id, _ in batch:
            sent.append(job_id)
            yield job_id

    monkeypatch.setattr(module, "announce", hang)
    noted = Noted()
    publisher = Publisher(make_broker(None), noted)  # pyright: ignore[reportArgumentType]
    publisher.start()
    on_its_way, waiting = new_id(), new_id()
    publisher.publish(on_its_way, Stage.SYNTHESIZING)
    assert hanging.wait(10)
    for _ in range(5):
        publisher.publish(on_its_way, Stage.SYNTHESIZING)
        publisher.publish(waiting, Stage.SYNTHESIZING)
    over.set()
    wait_until(lambda: len(noted.ids) == 2, "both are sent")

    publisher.publish(waiting, Stage.SYNTHESIZING)
    publisher.stop()

    assert sent == [on_its_way, waiting, waiting]


def test_what_a_broker_cannot_take_is_dropped_and_what_comes_later_is_sent(
    rabbitmq: RabbitMQ, rabbitmq_url: str
) -> None:
    with publishing(rabbitmq_broker(rabbitmq_url)) as (publish, noted):
        first = publish(1)
        wait_until(lambda: noted.ids == first, "the first is sent")
        rabbitmq.kill()
        publish(10)
        rabbitmq.start()

        def sent_again() -> bool:
            return publish(1)[0] in noted.ids or len(noted.ids) > 1

        wait_until(sent_again, "it recovers")


def test_an_idle_connection_is_kept_alive(rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE_S", 0.2)
    kept, left_alone = (rabbitmq_broker(f"{rabbitmq_url}?heartbeat=1") for _ in range(2))
    port_left_alone = left_alone.connection._impl._transport._sock.getsockname()[1]  # pyright: ignore[reportAttributeAccessIssue]
    with publishing(kept) as (publish, noted):
        first = publish(1)
        wait_until(lambda: noted.ids == first, "it is connected")
        (before,) = kept.connections

        def is_connected() -> bool:
            ours = psutil.Process().net_connections()
            return any(one.laddr.port == port_left_alone and one.status == psutil.CONN_ESTABLISHED for one in ours)

        wait_until(lambda: not is_connected(), "RabbitMQ closes the connection that nobody looks after")
        second = publish(1)
        wait_until(lambda: noted.ids == first + second, "it is still connected")
        assert kept.connections == {before}
    left_alone.close()
