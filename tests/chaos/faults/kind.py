"""A kind of fault: which part it strikes, and how; and what the kinds share."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from storage.jobs import FailureReason
from tests.chaos.cluster import Cluster, family_of


class NotInjected(Exception):
    """The fault found nothing to strike: it does not count."""


#: Does the harm, heals it, and returns then; or raises NotInjected. Its name is that of the kind; its docstring says
#: what it is and how it is healed.
Strike = Callable[[Cluster, random.Random], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: which part it strikes (one fault at a time strikes a part), and how."""

    part: str
    strike: Strike
    #: What a job may truly fail for under it, beside what any crash or outage may mean.
    explains: FailureReason | None = None

    @property
    def name(self) -> str:
        """What the report calls it."""
        return self.strike.__name__.replace("_", " ")


@contextmanager
def frozen(pid: int) -> Generator[None]:
    """A process and its descendants, stopped where they are for as long as the block runs."""
    family = family_of(pid)
    try:
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.suspend()
        yield
    finally:
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.resume()
