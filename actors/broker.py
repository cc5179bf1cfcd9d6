"""The one broker: RabbitMQ, or a queue in this process. What is known to go wrong with either is mended here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from dramatiq import Broker, Message, MessageProxy
from dramatiq.brokers import rabbitmq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Middleware, Retries, TimeLimit
from pika import BlockingConnection

from storage.jobs import Stage

#: Where the message of a stage goes: (queue, actor).
ADDRESSES: Final = {
    Stage.SYNTHESIZING: ("synthesis", "synthesize"),
    Stage.ASSEMBLING: ("assembly", "assemble"),
}

#: A peer that is gone or mute is noticed within seconds; pika's own limits are minutes or none.
_CONNECTION_LIMITS: Final = {
    "heartbeat": "30",
    "blocked_connection_timeout": "5",
    "socket_timeout": "2",
    "stack_timeout": "3",
    "connection_attempts": "1",
}


def make_broker(rabbitmq_urls: Sequence[str] | None, *more: Middleware) -> JobBroker:
    """RabbitMQ at these URLs (the first that answers), or the in-process broker for None.

    Every publish to RabbitMQ waits for its confirm. Nothing is connected yet.
    """
    middleware: list[Middleware] = [TimeLimit(), *more, Retries()]
    if rabbitmq_urls is None:
        return InProcessBroker(middleware=middleware)
    urls = [_with_limits(url) for url in rabbitmq_urls]
    return FencedRabbitmqBroker(url=urls, confirm_delivery=True, middleware=middleware)


def announce(broker: Broker, job_id: UUID, stage: Stage) -> None:
    """Send the message that says: look at this job now. It carries the id alone; the row is the truth.

    Raises:
        Exception: it was not sent; pika, sockets and timeouts each have their own.
    """
    queue, actor = ADDRESSES[stage]
    message: Message[None] = Message(queue_name=queue, actor_name=actor, args=(str(job_id),), kwargs={}, options={})
    broker.enqueue(message)  # pyright: ignore[reportUnknownMemberType] # Dramatiq's generic is left open


class InProcessBroker(StubBroker):
    """Messages in memory. Losing them loses nothing: the scheduler sends again what is due."""

    def __init__(self, middleware: list[Middleware]) -> None:
        super().__init__(middleware)
        for queue, _ in ADDRESSES.values():
            self.declare_queue(queue)

    def check(self) -> None:
        """It is always there."""

    def keep_alive(self) -> None:
        """There is no connection to lose."""


class FencedRabbitmqBroker(RabbitmqBroker):
    """RabbitMQ whose consumers acknowledge only what they themselves have received."""

    @property
    def consumer_class(self) -> type[rabbitmq._RabbitmqConsumer]:  # pyright: ignore[reportPrivateUsage] # the only way in
        """What `consume` makes."""
        return FencedConsumer

    def check(self) -> None:
        """Whether the broker can be reached, by a connection that is closed at once.

        Raises:
            Exception: it cannot; pika, sockets and timeouts each have their own.
        """
        BlockingConnection(parameters=self.parameters).close()

    def keep_alive(self) -> None:
        """Answer the heartbeats of this thread's connection, so that the next publish need not connect again."""
        try:
            if getattr(self.state, "connection", None) is not None:
                self.connection.process_data_events()
        except Exception:  # noqa: BLE001 # whatever it was: the next publish makes a new connection
            del self.connection


class FencedConsumer(rabbitmq._RabbitmqConsumer):  # pyright: ignore[reportPrivateUsage] # the only way in
    """Forgets the messages of the connection before.

    Delivery tags count from 1 on every connection. After a reconnect, the end of an old message would acknowledge
    the new one that happens to have its tag, which would then be lost if this process died. RabbitMQ delivers the
    old one again by itself.
    """

    def __init__(self, broker: RabbitmqBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)
        self._unsettled: dict[int, MessageProxy] = {}

    def __next__(self) -> rabbitmq._RabbitmqMessage | None:  # pyright: ignore[reportPrivateUsage] # as above
        """The next message; None when there was none for a while."""
        message = super().__next__()
        if message is not None:
            self._unsettled[id(message)] = message
        return message

    def ack(self, message: MessageProxy) -> None:
        """Acknowledge a message of this connection."""
        if self._is_ours(message):
            super().ack(message)

    def nack(self, message: MessageProxy) -> None:
        """Reject a message of this connection."""
        if self._is_ours(message):
            super().nack(message)

    def _is_ours(self, message: MessageProxy) -> bool:
        return self._unsettled.pop(id(message), None) is message


#: Either of the two; both have `check` and `keep_alive` beside what every Dramatiq broker has.
JobBroker = InProcessBroker | FencedRabbitmqBroker


def _with_limits(url: str) -> str:
    parts = urlsplit(url)
    query = _CONNECTION_LIMITS | dict(parse_qsl(parts.query))
    return urlunsplit(parts._replace(query=urlencode(query)))
