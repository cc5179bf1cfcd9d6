"""The one broker: RabbitMQ, or a queue in this process. What is known to go wrong with either is mended here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

import structlog
from dramatiq import Consumer, Message, MessageProxy
from dramatiq.brokers import rabbitmq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import Middleware, Retries, TimeLimit
from pika import BasicProperties, BlockingConnection, spec
from pika.exceptions import AMQPChannelError, AMQPConnectionError, ChannelClosedByBroker, UnroutableError

from storage.stages import QUEUES, WORK, Stage

#: A peer that is gone or mute is noticed within seconds; pika's own limits are minutes or none. RabbitMQ takes a worker
#: that is frozen for dead after two to three heartbeats: what it holds is another's after 18 seconds at most.
_CONNECTION_LIMITS: Final = {
    "heartbeat": "6",
    "blocked_connection_timeout": "5",
    "socket_timeout": "2",
    "stack_timeout": "3",
    "connection_attempts": "1",
}
#: A connection says good-bye for so long. To a mute peer it could do so until the heartbeat fails.
_GOOD_BYE_S: Final = 2.0

log = structlog.get_logger()


def make_broker(rabbitmq_urls: Sequence[str] | None, *more: Middleware) -> JobBroker:
    """RabbitMQ at these URLs (the first that answers), or the in-process broker for None.

    Every publish to RabbitMQ waits for its confirm. Nothing is connected yet.
    """
    middleware: list[Middleware] = [TimeLimit(), *more, Retries()]
    if rabbitmq_urls is None:
        return InProcessBroker(middleware=middleware)
    urls = [_with_limits(url) for url in rabbitmq_urls]
    return FencedRabbitmqBroker(url=urls, confirm_delivery=True, middleware=middleware)


def announce(broker: JobBroker, due: Iterable[tuple[UUID, Stage]]) -> Iterator[UUID]:
    """Send the messages that say: look at this job now. They carry the id alone; the row is the truth.

    Gives each id back when the broker has its message.

    Raises:
        Exception: the others were not sent; pika, sockets and timeouts each have their own.
    """
    for message in broker.enqueue_all([_message(job_id, stage) for job_id, stage in due]):
        yield UUID(message.args[0])


class InProcessBroker(StubBroker):
    """Messages in memory. Losing them loses nothing: the scheduler sends again what is due."""

    def __init__(self, middleware: list[Middleware]) -> None:
        super().__init__(middleware)
        self.in_hand: Mapping[str, int] = {}
        for queue in QUEUES:
            self.declare_queue(queue)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 100) -> Consumer:
        """A consumer of a queue that has no more messages in hand than may be."""
        return super().consume(queue_name, self.in_hand.get(queue_name, prefetch), timeout)

    def enqueue_all(self, messages: Sequence[Message[Any]]) -> Iterator[Message[Any]]:
        """Put the messages into their queues; gives each back when it is there."""
        for message in messages:
            yield self.enqueue(message)  # pyright: ignore[reportUnknownMemberType] # Dramatiq's generic is left open

    def empty_queues(self) -> Collection[str]:
        """The queues in which no message waits to be received."""
        return {name for name in QUEUES if self.queues[name].empty()}

    def check(self) -> None:
        """It is always there."""

    def keep_alive(self) -> None:
        """There is no connection to lose."""


class FencedRabbitmqBroker(RabbitmqBroker):
    """RabbitMQ whose consumers acknowledge only what they themselves have received."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.in_hand: Mapping[str, int] = {}

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """A consumer of a queue that has no more messages in hand than may be."""
        return super().consume(queue_name, self.in_hand.get(queue_name, prefetch), timeout)

    @property
    def consumer_class(self) -> type[rabbitmq._RabbitmqConsumer]:  # pyright: ignore[reportPrivateUsage] # the only way in
        """What `consume` makes."""
        return FencedConsumer

    def enqueue_all(self, messages: Sequence[Message[Any]]) -> Iterator[Message[Any]]:
        """Send messages with all their confirms in flight at once; gives each back when RabbitMQ has it for good.

        Raises:
            Exception: those that were not given back may not have arrived; as for `check`.
        """
        waiting = {message.message_id: message for message in messages}
        queues = {message.queue_name for message in messages}
        for is_last_try in (False, True):
            try:
                for queue in queues:
                    self.declare_queue(queue, ensure=True)
                for message in self._pipeline().send(list(waiting.values())):
                    del waiting[message.message_id]
                    yield message
            except (AMQPConnectionError, AMQPChannelError) as error:
                del self.connection
                if isinstance(error, UnroutableError):
                    self.queues_pending |= queues
                if is_last_try:
                    raise
            else:
                return

    def check(self) -> None:
        """Whether the broker can be reached, by a connection that is closed at once.

        Raises:
            Exception: it cannot; pika, sockets and timeouts each have their own.
        """
        BlockingConnection(parameters=self.parameters).close()

    def empty_queues(self) -> Collection[str]:
        """The queues in which no message waits to be received, or that are gone; none while RabbitMQ is away."""
        try:
            with BlockingConnection(parameters=self.parameters) as connection:
                return {name for name in QUEUES if _is_empty(connection, name)}
        except Exception as error:  # noqa: BLE001 # pika, sockets and timeouts each have their own; all mean: away
            log.warning("queues_not_seen", error=repr(error))
            return frozenset()

    def keep_alive(self) -> None:
        """Answer the heartbeats of this thread's connection, so that the next publish need not connect again."""
        try:
            if getattr(self.state, "connection", None) is not None:
                self.connection.process_data_events()
        # lint: allow error-unheard: the connection is made anew, and says what is wrong if it cannot be
        except Exception:  # noqa: BLE001 # whatever it was: the next publish makes a new connection
            del self.connection

    def close(self) -> None:
        """Close every connection, unless the peer is mute: those the end of the process closes."""
        _within(_GOOD_BYE_S, super().close)

    def _pipeline(self) -> Pipeline:
        """The pipeline of this thread, on this thread's connection."""
        pipeline: Pipeline | None = getattr(self.state, "pipeline", None)
        if pipeline is None or pipeline.connection is not self.connection:
            pipeline = self.state.pipeline = Pipeline(self.connection)
        return pipeline


class Pipeline:
    """A channel that sends many messages before it waits for their confirms: pika's own waits after each one."""

    def __init__(self, connection: BlockingConnection) -> None:
        self.connection = connection
        #: pika's types leave out what we need.
        self._channel: Any = connection.channel()
        #: The asynchronous channel inside the blocking one: it alone tells of single confirms.
        self._inner: Any = self._channel._impl
        self._inner.confirm_delivery(self._on_settled)
        self._inner.add_on_return_callback(self._on_returned)
        self._last_tag = 0
        self._unsettled: dict[int, Message[Any]] = {}
        self._returned: set[str] = set()
        self._confirmed: list[Message[Any]] = []

    def send(self, messages: Iterable[Message[Any]]) -> Iterator[Message[Any]]:
        """Send them; gives each back when it is confirmed.

        Raises:
            UnroutableError: the queue of some is gone.
            AMQPError: the others may not have arrived.
        """
        for message in messages:
            self._last_tag += 1
            self._unsettled[self._last_tag] = message
            properties = BasicProperties(delivery_mode=2)
            self._inner.basic_publish("", message.queue_name, message.encode(), properties, mandatory=True)
        while self._unsettled:
            # As pika's own publish waits.
            self._channel._flush_output(lambda: bool(self._confirmed) or not self._unsettled)
            confirmed, self._confirmed = self._confirmed, []
            yield from confirmed
        if self._returned:
            raise UnroutableError([])

    def _on_settled(self, frame: Any) -> None:
        settled: spec.Basic.Ack | spec.Basic.Nack = frame.method
        tag = settled.delivery_tag
        for one in [each for each in self._unsettled if each <= tag] if settled.multiple else [tag]:
            message = self._unsettled.pop(one)
            if isinstance(settled, spec.Basic.Nack):  # RabbitMQ could not take it: as good as returned
                self._returned.add(message.message_id)
            elif message.message_id not in self._returned:
                self._confirmed.append(message)

    def _on_returned(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        # RabbitMQ confirms it, too, but only after this.
        message_id = Message[Any].decode(body).message_id  # pyright: ignore[reportUnknownMemberType] # left open
        self._returned.add(message_id)


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
        """The next message; None when there was none for a while, or none of ours."""
        message = super().__next__()
        if message is None:
            return None
        self._unsettled[id(message)] = message
        if message.queue_name != self.queue_name:
            # Dramatiq looks for the consumer of the queue that a message names. There is none: its thread would die.
            log.error("message_refused", queue=self.queue_name, names_queue=message.queue_name[:100])
            self.nack(message)
            return None
        return message

    def ack(self, message: MessageProxy) -> None:
        """Acknowledge a message of this connection."""
        if self._is_ours(message):
            # Of a connection that is gone there is nothing to acknowledge, and no reason to try again.
            with suppress(ConnectionClosed):
                super().ack(message)

    def nack(self, message: MessageProxy) -> None:
        """Reject a message of this connection."""
        if self._is_ours(message):
            with suppress(ConnectionClosed):
                super().nack(message)

    def close(self) -> None:
        """Give back what is not acknowledged, and hang up."""
        self._unsettled.clear()
        _within(_GOOD_BYE_S, super().close)

    def _is_ours(self, message: MessageProxy) -> bool:
        return self._unsettled.pop(id(message), None) is message


#: Either of the two. Beside what every Dramatiq broker has, both have `enqueue_all`, `empty_queues`, `check` and
#: `keep_alive`, and `in_hand`: how many messages of a queue a worker has at most, said before it starts.
JobBroker = InProcessBroker | FencedRabbitmqBroker


def _message(job_id: UUID, stage: Stage) -> Message[Any]:
    work = WORK[stage]
    return Message(queue_name=work.queue, actor_name=work.actor, args=(str(job_id),), kwargs={}, options={})


def _is_empty(connection: BlockingConnection, queue: str) -> bool:
    channel: Any = connection.channel()
    try:
        said = channel.queue_declare(queue, passive=True)
    except ChannelClosedByBroker:  # there is none, or it cannot be reached
        return True
    channel.close()
    return said.method.message_count == 0


def _within(seconds: float, close: Callable[[], None]) -> None:
    """Close something, or go on without it."""

    def closing() -> None:
        # lint: allow error-unheard: a good-bye that fails changes nothing
        with suppress(Exception):
            close()

    thread = threading.Thread(target=closing, name="good-bye", daemon=True)
    thread.start()
    thread.join(seconds)


def _with_limits(url: str) -> str:
    parts = urlsplit(url)
    query = _CONNECTION_LIMITS | dict(parse_qsl(parts.query))
    return urlunsplit(parts._replace(query=urlencode(query)))
