"""The broker: what is known to go wrong with messages, on a real RabbitMQ, with the mend and without it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from uuid import UUID

import psutil
import pytest
from dramatiq import Message, MessageProxy
from dramatiq.brokers import rabbitmq as dramatiq_rabbitmq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from pika.exceptions import AMQPError

from actors.queue.broker import FencedConsumer, FencedRabbitmqBroker, InProcessBroker, announce, make_broker
from storage.jobs import new_id
from storage.stages import QUEUES, Stage
from tests.servers.rabbitmq import RabbitMQ


def rabbitmq_broker(url: str) -> FencedRabbitmqBroker:
    """Ours, at this URL."""
    made = make_broker([url])
    assert isinstance(made, FencedRabbitmqBroker)
    return made


@pytest.fixture
def broker(rabbitmq_url: str) -> Iterator[FencedRabbitmqBroker]:
    made = rabbitmq_broker(rabbitmq_url)
    yield made
    made.close()


def send(broker: FencedRabbitmqBroker, count: int) -> list[UUID]:
    """The ids of so many jobs, announced to be spoken."""
    ids = [new_id() for _ in range(count)]
    assert list(announce(broker, [(job_id, Stage.SYNTHESIZING) for job_id in ids])) == ids
    return ids


def waiting(broker: RabbitmqBroker, queue: str = "synthesis") -> int:
    """How many messages nobody has fetched."""
    return broker.channel.queue_declare(queue, passive=True).method.message_count


def next_of(consumer: dramatiq_rabbitmq._RabbitmqConsumer) -> tuple[MessageProxy, UUID]:
    """The next message, and the job that it is about."""
    message = next(consumer)
    assert message is not None
    return message, UUID(message.args[0])


def consume(broker: RabbitmqBroker, *, prefetch: int = 1, timeout: int = 5000) -> dramatiq_rabbitmq._RabbitmqConsumer:
    """A consumer of what is to be spoken."""
    made = broker.consume("synthesis", prefetch=prefetch, timeout=timeout)
    assert isinstance(made, dramatiq_rabbitmq._RabbitmqConsumer)
    return made


def test_without_urls_messages_stay_in_the_process() -> None:
    broker = make_broker(None)

    assert isinstance(broker, InProcessBroker)
    broker.check()
    assert set(broker.queues) >= set(QUEUES)


def test_messages_in_the_process_are_seen_to_wait() -> None:
    broker = make_broker(None)
    assert set(broker.empty_queues()) == set(QUEUES)
    assert list(announce(broker, [(new_id(), Stage.ASSEMBLING)]))
    assert set(broker.empty_queues()) == {"synthesis"}


def test_a_queue_is_empty_when_all_is_fetched_or_it_is_gone_and_not_while_rabbitmq_is_away(
    broker: FencedRabbitmqBroker,
) -> None:
    send(broker, 2)
    assert set(broker.empty_queues()) == {"assembly"}
    consumer = consume(broker, prefetch=2)
    try:
        next_of(consumer)
        assert set(broker.empty_queues()) == set(QUEUES), "the other is in the consumer's hands"
    finally:
        consumer.close()
    assert set(broker.empty_queues()) == {"assembly"}
    broker.channel.queue_delete("synthesis")
    assert set(broker.empty_queues()) == set(QUEUES)
    assert not rabbitmq_broker("amqp://127.0.0.1:1/").empty_queues()


def test_a_connection_gives_up_within_seconds_unless_the_url_says_otherwise() -> None:
    parameters = rabbitmq_broker("amqp://u:p@rabbit/%2Fvhost?heartbeat=7").parameters[0]  # pyright: ignore[reportIndexIssue]

    assert (parameters.heartbeat, parameters.blocked_connection_timeout) == (7, 5)
    assert (parameters.socket_timeout, parameters.stack_timeout) == (2, 3)


def test_a_message_carries_the_id_alone_and_outlives_the_broker(broker: FencedRabbitmqBroker) -> None:
    job_id = new_id()

    assert list(announce(broker, [(job_id, Stage.ASSEMBLING)])) == [job_id]

    _, properties, body = broker.channel.basic_get("assembly", auto_ack=True)
    assert body is not None
    message = Message.decode(body)
    assert (message.actor_name, message.args, message.kwargs, message.options) == ("assemble", (str(job_id),), {}, {})
    assert message.encode() == body
    assert properties is not None
    assert properties.delivery_mode == 2


def test_the_queues_are_declared_as_dramatiq_declares_them(broker: FencedRabbitmqBroker, rabbitmq_url: str) -> None:
    send(broker, 2)
    dramatiqs = RabbitmqBroker(url=rabbitmq_url, confirm_delivery=True)

    # Other arguments would be refused with 406.
    assert dramatiqs.get_queue_message_counts("synthesis") == (2, 0, 0)
    dramatiqs.close()


def test_a_queue_that_is_gone_is_declared_again(broker: FencedRabbitmqBroker) -> None:
    send(broker, 1)
    broker.channel.queue_delete("synthesis")

    send(broker, 3)

    assert waiting(broker) == 3


def test_a_lost_connection_is_made_again(broker: FencedRabbitmqBroker) -> None:
    send(broker, 1)
    broker.connection.close()

    send(broker, 1)

    assert waiting(broker) == 2
    assert len(broker.connections) == 1


def test_a_broker_that_is_away_mute_or_unknown_is_an_error_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        for address in (f"127.0.0.1:{mute.getsockname()[1]}", "127.0.0.1:1", "rabbit.invalid"):
            away = rabbitmq_broker(f"amqp://guest:guest@{address}/")
            with pytest.raises((AMQPError, OSError, Exception)):  # each has its own
                send(away, 1)
            with pytest.raises((AMQPError, OSError, Exception)):
                away.check()


class DramatiqsBroker(FencedRabbitmqBroker):
    """Ours, with the consumer as Dramatiq has it."""

    @property
    def consumer_class(self) -> type[dramatiq_rabbitmq._RabbitmqConsumer]:
        return dramatiq_rabbitmq._RabbitmqConsumer


@pytest.mark.parametrize(("kind", "lost"), [(FencedRabbitmqBroker, 0), (DramatiqsBroker, 1)])
def test_the_end_of_a_message_of_a_lost_connection_acknowledges_no_other(
    rabbitmq_url: str, kind: type[FencedRabbitmqBroker], lost: int
) -> None:
    broker = kind(url=[rabbitmq_url], confirm_delivery=True, middleware=[])
    one, two = send(broker, 2)
    before = consume(broker, prefetch=2)
    first, job_id = next_of(before)
    assert (job_id, next_of(before)[1]) == (one, two)

    # The connection is lost; another worker gets the first message, and we get the second under the first one's tag.
    before.connection.close()
    elsewhere = consume(broker)
    assert next_of(elsewhere)[1] == one
    after = consume(broker)
    assert next_of(after)[1] == two
    after.ack(first)
    # We die while the second is in hand.
    after.close()

    assert waiting(broker) == 1 - lost
    elsewhere.close()
    broker.close()


def test_work_that_ends_after_its_connection_is_lost_keeps_no_thread(broker: FencedRabbitmqBroker) -> None:
    send(broker, 1)
    consumer = consume(broker)
    assert isinstance(consumer, FencedConsumer)
    message, _ = next_of(consumer)

    consumer.connection.close()
    consumer.ack(message)  # Dramatiq would try again five seconds later, in the worker's thread

    assert waiting(broker) == 1


def test_a_killed_broker_loses_nothing_that_it_has_confirmed(rabbitmq: RabbitMQ, rabbitmq_url: str) -> None:
    broker = rabbitmq_broker(rabbitmq_url)
    kept = send(broker, 20)
    unconfirmed = RabbitmqBroker(url=rabbitmq_url, confirm_delivery=False)
    unconfirmed.declare_queue("synthesis", ensure=True)

    psutil.Process(rabbitmq.pid).suspend()
    message = Message(queue_name="synthesis", actor_name="synthesize", args=("lost",), kwargs={}, options={})
    assert unconfirmed.enqueue(message)  # without confirms it says that all is well
    sending = announce(broker, [(new_id(), Stage.SYNTHESIZING)])
    rabbitmq.kill()
    with pytest.raises((AMQPError, OSError)):
        next(sending)
    rabbitmq.start()

    consumer = consume(broker, prefetch=100, timeout=1000)
    assert [next_of(consumer)[1] for _ in kept] == kept
    assert next(consumer) is None
    consumer.close()
    broker.close()
    unconfirmed.close()
