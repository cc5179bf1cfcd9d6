"""A process of ours that dies or freezes at a failpoint when told to: `python -m tests.chaos.process worker`.

The failpoints are put around the code from here, when such a process starts; the code itself knows nothing of them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import isgeneratorfunction
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

from dramatiq.brokers.rabbitmq import RabbitmqBroker
from pika.adapters.blocking_connection import BlockingChannel
from sqlalchemy.engine.default import DefaultDialect

from actors.queue.broker import Pipeline
from embedded.__main__ import main
from storage.audio_store import AudioStore

#: The variable that names the file in which a process finds its orders.
ORDERS_VARIABLE: Final = "CHAOS_ORDERS"

#: What a process does that another can see: a commit to PostgreSQL, a publish and an ack to RabbitMQ, a put to S3.
Act = Literal["commit", "publish", "put", "ack"]
Moment = Literal["before", "after"]
#: What becomes of the process there: kill -9, or SIGSTOP until somebody lets it go on.
Fate = Literal["dies", "freezes"]
ACTS: Final = get_args(Act)
MOMENTS: Final = get_args(Moment)

#: What orders say that are taken back.
_NO_ORDER: Final = ""

#: Where each act is done. A delete in the object store counts as a put: either changes what is there. Messages are
#: published one at a time by Dramatiq (a retry, a delayed one that is due), and many at a time by us.
_PLACES: Final[tuple[tuple[type[Any], str, Act], ...]] = (
    (DefaultDialect, "do_commit", "commit"),
    (RabbitmqBroker, "enqueue", "publish"),
    (Pipeline, "send", "publish"),
    (AudioStore, "put", "put"),
    (AudioStore, "put_file", "put"),
    (AudioStore, "delete", "put"),
    (BlockingChannel, "basic_ack", "ack"),
)


@dataclass(frozen=True, slots=True)
class Failpoint:
    """Die, or freeze, right before or right after an act is done for the `nth` time (1 is the first)."""

    act: Act
    moment: Moment
    nth: int = 1
    fate: Fate = "dies"

    def __str__(self) -> str:
        return f"{self.fate}-{self.moment}-{self.act}-{self.nth}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The inverse of `str`."""
        fate, moment, act, nth = text.split("-")
        return cls(act, moment, int(nth), fate)  # pyright: ignore[reportArgumentType] # our own words

    def order(self, orders: Path) -> None:
        """Give it to the process that reads these orders, which counts from then on."""
        draft = orders.with_name(f"{orders.name}.draft")
        draft.write_text(str(self))
        draft.replace(orders)


def was_obeyed(orders: Path) -> bool:
    """Whether a process has met its fate by the order that was last given to it in this file."""
    return _last_words(orders).exists()


def withdraw(orders: Path) -> None:
    """Take back the order that was last given, read or not, and forget whether it was obeyed."""
    orders.write_text(_NO_ORDER)
    _last_words(orders).unlink(missing_ok=True)


class Executioner:
    """Counts the acts of this process, and ends it as ordered."""

    def __init__(self, orders: Path) -> None:
        self._orders = orders
        self._failpoint: Failpoint | None = None
        self._left = 0
        self._counting = threading.Lock()

    def passes(self, act: Act, moment: Moment) -> None:
        """A thread of this process is right before or after an act. It may freeze there, or never return."""
        with self._counting:
            self._read_orders()
            failpoint = self._failpoint
            if failpoint is None or (failpoint.act, failpoint.moment) != (act, moment):
                return
            self._left -= 1
            if self._left == 0:
                _last_words(self._orders).write_text(str(failpoint))
                os.kill(os.getpid(), signal.SIGKILL if failpoint.fate == "dies" else signal.SIGSTOP)

    def _read_orders(self) -> None:
        try:
            text = self._orders.read_text()
        except FileNotFoundError:
            return
        self._orders.unlink(missing_ok=True)
        self._failpoint = None if text == _NO_ORDER else Failpoint.parse(text)
        self._left = self._failpoint.nth if self._failpoint is not None else 0


def stand_at_every_failpoint(executioner: Executioner) -> None:
    """Let every act of this process pass by the executioner."""
    for owner, name, act in _PLACES:
        setattr(owner, name, _passing(executioner, act, getattr(owner, name)))


def _passing(executioner: Executioner, act: Act, do: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(do)
    def passing_each(*args: Any, **kwargs: Any) -> Iterator[Any]:
        executioner.passes(act, "before")
        for result in do(*args, **kwargs):
            executioner.passes(act, "after")
            yield result

    @wraps(do)
    def passing(*args: Any, **kwargs: Any) -> Any:
        executioner.passes(act, "before")
        result = do(*args, **kwargs)
        executioner.passes(act, "after")
        return result

    return passing_each if isgeneratorfunction(do) else passing


def _last_words(orders: Path) -> Path:
    return orders.with_name(f"{orders.name}.obeyed")


def become(words: Sequence[str], environment: Mapping[str, str], orders: Path, log: Path) -> None:
    """Make the process that calls this, which was just forked, `readthrough` with these words, and end as it does."""
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    stand_at_every_failpoint(Executioner(orders))
    sys.argv = ["readthrough", *words]
    sys.exit(main())


if __name__ == "__main__":
    stand_at_every_failpoint(Executioner(Path(os.environ[ORDERS_VARIABLE])))
    sys.exit(main())
