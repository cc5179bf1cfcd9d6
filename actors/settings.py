"""What the environment says about the work: the broker, the retries, the grace of a stop."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from storage.settings import Settings, SettingsError
from storage.stages import FIRST_STAGE, WORK

#: More are of no use to the threads of one process.
_CONNECTIONS: Final = 20


class WorkSettings(Settings):
    """Where the messages go, how often a provider is tried, how long a stop may take."""

    #: One URL, or several of a cluster. None: the in-process broker.
    rabbitmq_url: Annotated[tuple[str, ...] | None, NoDecode] = Field(default=None, repr=False)
    retry_delays_s: Annotated[tuple[float, ...], NoDecode] = (5, 10, 20)
    #: Work in hand is finished within so many seconds when the process is asked to stop.
    grace_period_s: float = Field(default=30, ge=0, le=3600)
    #: Jobs that one process has spoken at a time. Most of them wait for a vendor.
    worker_threads: int = Field(default=32, ge=1, le=256)
    #: Jobs that one process joins at a time, which uses the processor.
    assembly_threads: int = Field(default=2, ge=1, le=256)
    #: Calls to vendors that one process has in hand, shared fairly between users and their jobs.
    calls_at_once: int = Field(default=32, ge=1, le=256)
    #: Turns of one job that are spoken at a time.
    turns_at_once: int = Field(default=4, ge=1, le=64)

    @field_validator("rabbitmq_url", mode="before")
    @classmethod
    def _several_urls(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        urls = tuple(url.strip() for url in value.split(",") if url.strip())
        if not all(url.startswith(("amqp://", "amqps://")) for url in urls):
            raise ValueError("must begin with amqp:// or amqps://")
        return urls or None

    @field_validator("retry_delays_s", mode="before")
    @classmethod
    def _several_delays(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            delays = tuple(float(part) for part in value.split(","))
        except ValueError:
            raise ValueError("must be seconds, separated by commas, as 5,10,20") from None
        if not all(0 <= delay <= 86_400 for delay in delays):
            raise ValueError("each wait must be between 0 and 86400 seconds")
        return delays

    def threads_of(self, queue: str) -> int:
        """How many jobs of a queue one process works on at a time."""
        return self.worker_threads if queue == WORK[FIRST_STAGE].queue else self.assembly_threads

    @property
    def connections(self) -> int:
        """Connections to the database that a worker opens at most. Threads share them: each transaction is short."""
        return min(self.worker_threads + self.assembly_threads + self.calls_at_once, _CONNECTIONS)

    def required_rabbitmq_urls(self) -> tuple[str, ...]:
        """The URLs, for a process that must find others.

        Raises:
            SettingsError: there is none.
        """
        if self.rabbitmq_url is None:
            raise SettingsError("RABBITMQ_URL is not set; `readthrough run` is everything in one process without it")
        return self.rabbitmq_url
