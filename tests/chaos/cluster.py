"""The cluster: several of each of our processes, and a vendor, each started again whenever it has ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from embedded.ports import free_port
from embedded.processes import end_process_tree
from tests.chaos.door import Door
from tests.chaos.ground import Ground
from tests.chaos.process import ORDERS_VARIABLE
from tests.standins.openai import KEY

#: The root of the repository: what a process of ours imports.
ROOT: Final = Path(__file__).parents[2]
#: How often the supervisor looks who has ended, in seconds.
_LOOK_S: Final = 0.1
#: A process that ends again and again is not started more often than this.
_RESTART_PAUSE_S: Final = 0.5
#: How long the vendor takes for a turn, so that there is always work in hand, in seconds.
_VENDOR_S: Final = 0.2
#: How long a stop may take that was asked for.
_STOP_S: Final = 15.0

#: The numbers of the system under test: those of production where they make no difference to the time it takes.
RULES: Final[Mapping[str, str]] = {
    "AUTH": "api-key",
    "HOST": "127.0.0.1",
    "RETRY_DELAYS_S": "0.2,0.4,0.8",
    "JOB_DEADLINE_S": "60",
    "GRACE_PERIOD_S": "5",
    "WORKER_THREADS": "4",
    "TURNS_AT_ONCE": "2",
    "LOG_FORMAT": "json",
}


@dataclass(frozen=True, slots=True)
class Cast:
    """How many of each there are."""

    apis: int = 2
    workers: int = 3
    schedulers: int = 2


FULL_CAST: Final = Cast()


class Member:
    """One process under supervision. `ends` counts how it has ended: by which signal, or with which exit code."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], directory: Path) -> None:
        self.name = name
        self.orders = directory / f"{name}.orders"
        self.log = directory / f"{name}.log"
        self.ends: Counter[str] = Counter()
        self._command = command
        self._environment = {**environment, ORDERS_VARIABLE: str(self.orders)}
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process that runs now, if one does."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, in a session of its own, so that a Ctrl-C in the terminal does not reach it before us."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._command],
                env=self._environment,
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started_at = time.monotonic()

    def restart_if_ended(self) -> None:
        """Start it again when it has ended, and write down how it did."""
        if self._process is None or self._process.poll() is None:
            return
        if time.monotonic() - self._started_at >= _RESTART_PAUSE_S:
            self.ends[_how(self._process.returncode)] += 1
            self.start()

    def send(self, number: signal.Signals) -> bool:
        """A signal to it. Whether it was running."""
        pid = self.pid
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> None:
        """SIGTERM, and SIGKILL when that does not help. Children of it go with it."""
        if self._process is not None:
            end_process_tree(self._process.pid, signal.SIGTERM, _STOP_S)
            self._process.wait()


class Cluster:
    """The processes of a system on its ground, and the door to it."""

    def __init__(self, ground: Ground, directory: Path, cast: Cast = FULL_CAST) -> None:
        self.ground = ground
        self.directory = directory
        ports = [free_port() for _ in range(cast.apis)]
        vendor_port = free_port()
        self.urls: Sequence[str] = [f"http://127.0.0.1:{port}" for port in ports]
        self.vendor_url = f"http://127.0.0.1:{vendor_port}"
        #: What our processes take for the object store.
        self.door = Door(ground.object_store.port)
        #: Objects that a fault has deleted behind everybody's back.
        self.lost_keys: set[str] = set()
        environment = {
            **environment_of_nobody(),
            **RULES,
            **ground.environment,
            "S3_ENDPOINT_URL": self.door.url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.vendor_url}/v1",
        }

        def ours(name: str, *words: str, **more: str) -> Member:
            return Member(name, ["-m", "tests.chaos.process", *words], environment | more, directory)

        self.vendor = Member(
            "vendor", ["-m", "tests.standins", "openai", "--port", str(vendor_port)], environment, directory
        )
        self.apis = [ours(f"api-{n}", "api", PORT=str(port)) for n, port in enumerate(ports)]
        self.workers = [ours(f"worker-{n}", "worker") for n in range(cast.workers)]
        self.schedulers = [ours(f"scheduler-{n}", "scheduler") for n in range(cast.schedulers)]
        self._closing = threading.Event()
        self._hurrying = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor")
        self._started: list[Member] = []

    @property
    def members(self) -> Sequence[Member]:
        """Everybody."""
        return [self.vendor, *self.apis, *self.workers, *self.schedulers]

    def start(self, members: Iterable[Member]) -> None:
        """Start some of the processes; from now on they are supervised."""
        for member in members:
            member.start()
            self._started.append(member)
        if not self._supervisor.is_alive():
            self._supervisor.start()

    def wait_until_ready(self, timeout_s: float = 60) -> None:
        """Until every API answers that all it needs can be reached, and the vendor listens."""
        for url in self.urls:
            wait_until(lambda url=url: _answers(f"{url}/health/ready"), timeout_s, f"{url} is ready")
        wait_until(self.tell_vendor, timeout_s, "the vendor answers")

    def tell_vendor(self, **orders: Mapping[str, Any]) -> bool:
        """Tell the vendor how to behave, and never to hurry; see `tests/standins/server.py: StandIn.control`.

        False: it is away.
        """
        return self.ask_vendor(**orders, delay={"seconds": _VENDOR_S}) is not None

    def ask_vendor(self, **orders: Mapping[str, Any]) -> int | None:
        """The same; how many calls it is still to fail or to answer badly. None: it is away."""
        try:
            return httpx.post(f"{self.vendor_url}/_control", json=orders, timeout=5).json()["calls_to_spoil"]
        except httpx.TransportError:
            return None

    def let_pass(self, seconds: float) -> bool:
        """Let a fault last, unless the run is being ended. Whether it is."""
        return self._hurrying.wait(seconds)

    def hurry(self) -> None:
        """From now on no fault lasts: whatever is frozen goes on, and what was killed is started."""
        self._hurrying.set()

    def events(self) -> Counter[str]:
        """How often each event is in the logs of our processes."""
        return Counter(entry["event"] for entry in self._logged())

    def jobs_with(self, event: str) -> Collection[str]:
        """The ids of the jobs of which our processes have logged an event."""
        return {entry["job_id"] for entry in self._logged() if entry["event"] == event}

    def _logged(self) -> Iterator[Mapping[str, Any]]:
        for member in self._started:
            for line in member.log.read_text(errors="replace").splitlines():
                if line.startswith("{") and line.endswith("}"):
                    yield json.loads(line)

    def close(self) -> None:
        """End every process, all at the same time."""
        self._closing.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        threads = [threading.Thread(target=member.end) for member in self._started]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.door.close()

    def _supervise(self) -> None:
        while not self._closing.wait(_LOOK_S):
            for member in list(self._started):
                member.restart_if_ended()


@contextmanager
def running(cluster: Cluster) -> Generator[Cluster]:
    """The whole cluster at work, for as long as the block runs."""
    try:
        cluster.start(cluster.members)
        cluster.wait_until_ready()
        yield cluster
    finally:
        cluster.close()


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str, every_s: float = 0.1) -> None:
    """Return as soon as `condition()` holds.

    Raises:
        TimeoutError: it did not within `timeout_s` seconds; `what` says what was waited for.
    """
    give_up_at = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"not within {timeout_s:g} s: {what}")
        time.sleep(every_s)


def family_of(pid: int) -> Sequence[psutil.Process]:
    """A process and its descendants."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def environment_of_nobody() -> Mapping[str, str]:
    """No setting of whoever started us, but what Python needs, and what tells our processes from others."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "READTHROUGH_TEST_SESSION"}}
    return {**kept, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _how(returncode: int) -> str:
    return signal.Signals(-returncode).name if returncode < 0 else f"exit {returncode}"
