"""The servers of a bench, users with keys, and what a process costs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import psutil
import psycopg

from embedded.object_store import ObjectStore
from embedded.ports import free_port
from embedded.postgres import Postgres
from storage.audio_store import AudioStore
from storage.migrate import migrate
from storage.settings import ObjectStoreSettings
from tests.integration.system import Process, System, server_environment, wait_until
from tests.servers.obtain import obtain_rabbitmq
from tests.standins.openai import KEY

#: As in life: many users with a key each, none of whom may have more than three jobs.
USERS: Final = 1500
#: A start may take so long where others use the machine, in seconds.
PATIENCE_S: Final = 120.0


@dataclass(frozen=True)
class Ground:
    """Where everybody lives who is measured."""

    directory: Path
    database_url: str
    rabbitmq_url: str
    system: System
    keys: Path

    def readthrough(self, *words: str, **more: str) -> Process:
        """One of our processes."""
        process = self.system.begin(*words, **more)
        process.wait_for(f"{words[0]}_started", PATIENCE_S)
        return process

    def peer(self, name: str, port: int) -> Process:
        """A peer that answers HTTP."""
        process = self.system.begin_command([sys.executable, "-m", f"tests.bench.peers.{name}", str(port)], name)
        wait_until(lambda: _answers(port), f"{name} answers", PATIENCE_S)
        return process

    def clear(self) -> None:
        """No jobs, no segments; nor what peers have kept."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("TRUNCATE jobs, job_turns, audio_files, segments")

    def load(self, url: str, body: Any, *, requests: int, connections: int = 16, rate: float | None = None) -> Any:
        """The report of a load; see `load.py`."""
        path = self.directory / f"{uuid4().hex}.json"
        path.write_text(json.dumps(body))
        command = [sys.executable, "-m", "tests.bench.load", url, "--body", str(path), "--keys", str(self.keys)]
        command += ["--requests", str(requests), "--connections", str(connections)]
        command += [] if rate is None else ["--rate", str(rate)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(done.stdout)


@contextmanager
def bench_ground(directory: Path) -> Generator[Ground]:
    """Servers of our own, started and filled, for as long as the block runs."""
    directory.mkdir(exist_ok=True)
    postgres, objects = Postgres(directory / "postgres"), ObjectStore(directory / "object-store")
    rabbitmq = obtain_rabbitmq(directory / "rabbitmq")
    with ExitStack() as stack:
        for server in (postgres, objects, rabbitmq):
            stack.callback(server.stop)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda server: server.start(), (postgres, objects, rabbitmq)))
        migrate(postgres.url)
        keys = directory / "keys"
        keys.write_text("\n".join(_make_users(postgres.url)))
        store = ObjectStoreSettings(
            s3_endpoint_url=objects.endpoint_url,
            s3_bucket="bench",
            aws_access_key_id=objects.access_key_id,
            aws_secret_access_key=objects.secret_access_key,
        )
        AudioStore(store).ensure_bucket()
        vendor_port = free_port()
        environment = server_environment(postgres.url, store, rabbitmq.url) | {
            "AUTH": "api-key",
            "PORT": "0",
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{vendor_port}/v1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        system = stack.enter_context(System(directory, environment))
        system.begin_command([sys.executable, "-m", "tests.standins", "openai", "--port", str(vendor_port)], "vendor")
        wait_until(lambda: _answers(vendor_port), "the vendor answers", PATIENCE_S)
        yield Ground(directory, postgres.url, rabbitmq.url, system, keys)


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, in seconds."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def our_cpu_s() -> float:
    """Processor time of this process and all that it has started, in seconds; of those that still run, to now."""
    mine = psutil.Process()
    of_ended = mine.cpu_times()
    running = [each for each in mine.children(recursive=True) if each.is_running()]
    return (
        of_ended.user
        + of_ended.system
        + of_ended.children_user
        + of_ended.children_system
        + sum(sum(each.cpu_times()[:2]) for each in running)
    )


def busy_s() -> float:
    """Processor time of the whole machine so far, in seconds."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0)


def percentile(latencies_ms: Sequence[float], share: float) -> float:
    """Of latencies in order."""
    return latencies_ms[min(int(len(latencies_ms) * share), len(latencies_ms) - 1)]


def _make_users(database_url: str) -> list[str]:
    keys = [f"rt_{uuid4().hex}" for _ in range(USERS)]
    with psycopg.connect(database_url, autocommit=True) as connection, connection.cursor() as cursor:
        for number, key in enumerate(keys):
            user_id = uuid4()
            cursor.execute("INSERT INTO users (id, name) VALUES (%s, %s)", (user_id, f"user {number}"))
            cursor.execute(
                "INSERT INTO api_keys (id, user_id, key_hash, prefix) VALUES (%s, %s, %s, %s)",
                (uuid4(), user_id, sha256(key.encode()).digest(), key[:8]),
            )
    return keys


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=5)
    except httpx.TransportError:
        return False
    return True
