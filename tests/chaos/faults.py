"""The faults: what can be done to a running cluster, each with its own end; and the plan that a seed makes of them.

The same seed makes the same plan. What is in hand at the moment of a fault is up to the threads of a dozen processes.
"""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import psutil
import psycopg

from embedded.server import EmbeddedServer
from tests.chaos import process
from tests.chaos.cluster import Cluster, Member, family_of, wait_until
from tests.chaos.load import Pace
from tests.chaos.process import ACTS, MOMENTS, Failpoint
from tests.servers.rabbitmq import NODE, find_programs

#: So many faults may be going on at the same time, each to another part.
_AT_ONCE: Final = 3
#: A scheduler takes a job from a worker that is silent for 15 s; one that is frozen for so long has lost its jobs.
_PAST_THE_LEASE_S: Final = 19.0
#: A failpoint that is not reached within this is given up.
_FAILPOINT_S: Final = 15.0


class NotInjected(Exception):
    """The fault found nothing to strike: it does not count."""


Strike = Callable[[Cluster, random.Random], None]
Members = Callable[[Cluster], Sequence[Member]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: which part it strikes (one fault at a time strikes a part), and how."""

    name: str
    part: str
    strike: Strike


# Our own processes: they are started again by the supervisor, as a container would be.


def _kill(members: Members, number: signal.Signals = signal.SIGKILL) -> Strike:
    def strike(cluster: Cluster, dice: random.Random) -> None:
        if not dice.choice(members(cluster)).send(number):
            raise NotInjected

    return strike


def _freeze_member(members: Members, shortest_s: float, longest_s: float) -> Strike:
    def strike(cluster: Cluster, dice: random.Random) -> None:
        pid = dice.choice(members(cluster)).pid
        if pid is None:
            raise NotInjected
        with frozen(pid):
            time.sleep(dice.uniform(shortest_s, longest_s))

    return strike


def _failpoint(members: Members, acts: Sequence[process.Act]) -> Strike:
    def strike(cluster: Cluster, dice: random.Random) -> None:
        member = dice.choice(members(cluster))
        process.withdraw(member.orders)
        Failpoint(dice.choice(acts), dice.choice(MOMENTS), dice.randint(1, 4)).order(member.orders)
        try:
            wait_until(lambda: process.was_obeyed(member.orders), _FAILPOINT_S, "the failpoint was reached")
        except TimeoutError:
            raise NotInjected from None
        finally:
            process.withdraw(member.orders)

    return strike


# The servers below: somebody starts them again after a while.


def _kill_server(server: Callable[[Cluster], EmbeddedServer]) -> Strike:
    def strike(cluster: Cluster, dice: random.Random) -> None:
        server(cluster).kill()
        time.sleep(dice.uniform(0.2, 4))
        server(cluster).start()

    return strike


def _freeze_server(server: Callable[[Cluster], EmbeddedServer], longest_s: float) -> Strike:
    def strike(cluster: Cluster, dice: random.Random) -> None:
        with frozen(server(cluster).pid):
            time.sleep(dice.uniform(1, longest_s))

    return strike


def _wipe_rabbitmq(cluster: Cluster, dice: random.Random) -> None:
    """Every message and every queue is gone, as after the loss of a disk."""
    rabbitmq = cluster.ground.rabbitmq
    rabbitmq.kill()
    rabbitmq.wipe()
    time.sleep(dice.uniform(0.2, 2))
    rabbitmq.start()


def _close_rabbitmq_connections(cluster: Cluster, dice: random.Random) -> None:
    rabbitmq = cluster.ground.rabbitmq
    command = [find_programs() / "rabbitmqctl", "--node", NODE, "close_all_connections", "chaos"]
    try:
        subprocess.run(
            command,
            env=rabbitmq._environment(),
            cwd=rabbitmq.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise NotInjected from error


def _drop_database_connections(cluster: Cluster, dice: random.Random) -> None:
    with _administrator(cluster) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def _kill_a_backend(cluster: Cluster, dice: random.Random) -> None:
    """kill -9 of one of PostgreSQL's processes: it ends all the others, and recovers by itself."""
    with _administrator(cluster) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
    if not rows:
        raise NotInjected
    with suppress(psutil.NoSuchProcess):
        psutil.Process(dice.choice(rows)[0]).kill()


# The vendor.


def _vendor_answers(status: int, retry_after_s: float | None = None) -> Strike:
    def strike(cluster: Cluster, dice: random.Random) -> None:
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        _tell(cluster, fail={"times": dice.randint(5, 25), "status": status, "body": "chaos", "headers": headers})

    return strike


def _vendor_misbehaves(how: str) -> Strike:
    def strike(cluster: Cluster, dice: random.Random) -> None:
        _tell(cluster, misbehave={"how": how, "times": dice.randint(3, 15)})

    return strike


def _stall_vendor(cluster: Cluster, dice: random.Random) -> None:
    _tell(cluster, stall={})
    try:
        time.sleep(dice.uniform(2, 8))
    finally:
        _tell(cluster, release={})


def _kill_vendor(cluster: Cluster, dice: random.Random) -> None:
    cluster.vendor.send(signal.SIGKILL)
    wait_until(cluster.tell_vendor, 30, "the vendor answers again")


KINDS: Final[Sequence[Kind]] = (
    Kind("api killed", "api", _kill(lambda c: c.apis)),
    Kind("api stopped", "api", _kill(lambda c: c.apis, signal.SIGTERM)),
    Kind("worker killed", "worker", _kill(lambda c: c.workers)),
    Kind("worker stopped", "worker", _kill(lambda c: c.workers, signal.SIGTERM)),
    Kind("worker frozen", "worker", _freeze_member(lambda c: c.workers, 1, 8)),
    Kind(
        "worker frozen past its lease",
        "worker",
        _freeze_member(lambda c: c.workers, _PAST_THE_LEASE_S, _PAST_THE_LEASE_S + 4),
    ),
    Kind("scheduler killed", "scheduler", _kill(lambda c: c.schedulers)),
    Kind("scheduler frozen", "scheduler", _freeze_member(lambda c: c.schedulers, 1, 8)),
    Kind("api dies at a failpoint", "api", _failpoint(lambda c: c.apis, ["commit", "publish"])),
    Kind("worker dies at a failpoint", "worker", _failpoint(lambda c: c.workers, ACTS)),
    Kind("another worker dies at a failpoint", "another worker", _failpoint(lambda c: c.workers, ACTS)),
    Kind("scheduler dies at a failpoint", "scheduler", _failpoint(lambda c: c.schedulers, ["commit"])),
    Kind("rabbitmq killed", "rabbitmq", _kill_server(lambda c: c.ground.rabbitmq)),
    Kind("rabbitmq frozen", "rabbitmq", _freeze_server(lambda c: c.ground.rabbitmq, 10)),
    Kind("rabbitmq's data deleted", "rabbitmq", _wipe_rabbitmq),
    Kind("rabbitmq's connections closed", "rabbitmq", _close_rabbitmq_connections),
    Kind("postgres killed", "postgres", _kill_server(lambda c: c.ground.postgres)),
    Kind("postgres frozen", "postgres", _freeze_server(lambda c: c.ground.postgres, 8)),
    Kind("postgres' connections dropped", "postgres", _drop_database_connections),
    Kind("a postgres backend killed", "postgres", _kill_a_backend),
    Kind("object store killed", "object store", _kill_server(lambda c: c.ground.object_store)),
    Kind("object store frozen", "object store", _freeze_server(lambda c: c.ground.object_store, 8)),
    Kind("vendor unavailable", "vendor", _vendor_answers(503)),
    Kind("vendor limits", "vendor", _vendor_answers(429, retry_after_s=1)),
    Kind("vendor stalls", "vendor", _stall_vendor),
    Kind("vendor sends garbage", "vendor", _vendor_misbehaves("garbage")),
    Kind("vendor breaks off", "vendor", _vendor_misbehaves("cut")),
    Kind("vendor killed", "vendor", _kill_vendor),
)


def plan(seed: int, kinds: Sequence[Kind]) -> Generator[tuple[Kind, random.Random]]:
    """Faults without end: all kinds in a random order, again and again, each fault with dice of its own."""
    dice = random.Random(seed)  # noqa: S311 # it must come out the same again
    while True:
        for kind in dice.sample(kinds, len(kinds)):
            yield kind, random.Random(dice.random())  # noqa: S311 # as above


class Injector:
    """Strikes as planned, in step with the load, until there were as many faults as were asked for."""

    def __init__(self, cluster: Cluster, pace: Pace, seed: int, faults: int, kinds: Sequence[Kind] = KINDS) -> None:
        self._cluster = cluster
        self._pace = pace
        self._plan = plan(seed, kinds)
        self._faults = faults
        self._parts = {kind.part: threading.Lock() for kind in KINDS}
        self._counting = threading.Lock()
        self.injected: Counter[str] = Counter()
        #: Defects of the injector itself, which would make the run say too much.
        self.broken: list[str] = []

    def run(self, give_up_at: float) -> None:
        """Strike until there were enough faults.

        Raises:
            TimeoutError: there were not enough at `give_up_at`, by the monotonic clock.
        """
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fault") as pool:
            room = threading.Semaphore(_AT_ONCE)
            while self.injected.total() < self._faults:
                if time.monotonic() > give_up_at:
                    raise TimeoutError(f"only {self.injected.total()} of {self._faults} faults in time")
                if not self._pace.is_time_for_a_fault() or not room.acquire(timeout=0.1):
                    time.sleep(0.05)
                    continue
                kind, dice = next(self._plan)
                self._pace.fault_begun()
                pool.submit(self._strike, kind, dice, room)
                time.sleep(dice.uniform(0, 1))

    def _strike(self, kind: Kind, dice: random.Random, room: threading.Semaphore) -> None:
        try:
            with self._parts[kind.part]:
                kind.strike(self._cluster, dice)
        except NotInjected:
            self._pace.fault_failed()
        except Exception as error:  # noqa: BLE001 # whatever it is, the run must say so and go on to its end
            self.broken.append(f"{kind.name}: {error!r}")
        else:
            with self._counting:
                self.injected[kind.name] += 1
        finally:
            room.release()


def heal(cluster: Cluster) -> None:
    """No more faults: every server runs, the vendor behaves."""
    cluster.ground.start()
    wait_until(lambda: cluster.tell_vendor(reset={}), 30, "the vendor answers")


@contextmanager
def frozen(pid: int) -> Generator[None]:
    """A process and its descendants, stopped where they are for as long as the block runs."""
    family = family_of(pid)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.suspend()
    try:
        yield
    finally:
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.resume()


@contextmanager
def _administrator(cluster: Cluster) -> Generator[psycopg.Connection]:
    try:
        connection = psycopg.connect(cluster.ground.database_url, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise NotInjected from error
    with connection:
        yield connection


def _tell(cluster: Cluster, **orders: Mapping[str, Any]) -> None:
    if not cluster.tell_vendor(**orders):
        raise NotInjected
