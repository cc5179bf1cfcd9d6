"""`python -m tests.load`: how long one user waits while another floods the API with sixty connections.

Rounds with and without the flood alternate, and their figures are told beside each other: the ratio is what counts.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from embedded.object_store import ObjectStore
from embedded.postgres import Postgres
from storage.settings import ObjectStoreSettings
from tests.integration.system import System, server_environment
from tests.samples import script

#: Nobody listens there: an API publishes beside the request, and what it cannot send is sent by the scheduler.
NO_BROKER = "amqp://guest:guest@127.0.0.1:9/"
#: The other user asks so often a second: below what it may (RATE_LIMIT_PER_MINUTE).
ASKS_PER_S = 8


def main() -> int:
    """The command: 0 when the other user's p99 is within three times what it was."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="how long each part of a round takes")
    parser.add_argument("--connections", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="readthrough-load-") as name:
        return _measure(Path(name), given.rounds, given.seconds, given.connections)


def _measure(directory: Path, rounds: int, seconds: float, connections: int) -> int:
    with Postgres(directory / "postgres") as postgres, ObjectStore(directory / "store") as store:
        objects = ObjectStoreSettings(
            s3_endpoint_url=store.endpoint_url,
            s3_bucket="load",
            aws_access_key_id=store.access_key_id,
            aws_secret_access_key=store.secret_access_key,
        )
        environment = server_environment(postgres.url, objects, NO_BROKER)
        with System(directory, {**environment, "AUTH": "api-key", "PORT": "0", "LOG_LEVEL": "warning"}) as system:
            system.run("migrate").check_returncode()
            keys = [system.run("keys", "create", "--user", user).stdout.split()[-1] for user in ("greedy", "other")]
            url = system.start("api", LOG_LEVEL="info").wait_for("api_started")["url"]
            return _rounds(f"{url}/api/v1/jobs", keys, rounds, seconds, connections)


def _rounds(url: str, keys: Sequence[str], rounds: int, seconds: float, connections: int) -> int:
    greedy, other = keys
    with httpx.Client(headers={"Authorization": f"Bearer {other}"}) as client:
        client.post(url, json=script(provider="espeak").as_json()).raise_for_status()
        _waits(client, url, 2)  # what is made at the first use is made
        quiet: list[float] = []
        flooded: list[float] = []
        for number in range(rounds):
            quiet += (calm := _waits(client, url, seconds))
            command = [sys.executable, "-m", "tests.load.flood", url, "--key", greedy]
            command += ["--connections", str(connections), "--seconds", str(seconds + 2)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flood:
                time.sleep(1)  # lint: allow fixed-sleep: the flood rises
                flooded += (busy := _waits(client, url, seconds))
                answers, _ = flood.communicate()
            _say(f"round {number + 1}: p99 {_p99(calm):.1f} ms, flooded {_p99(busy):.1f} ms; the flood got {answers}")
    ratio = _p99(flooded) / _p99(quiet)
    _say(
        f"GET /jobs of the other user, {len(quiet)} and {len(flooded)} requests: p50 {statistics.median(quiet):.1f} -> "
        f"{statistics.median(flooded):.1f} ms, p99 {_p99(quiet):.1f} -> {_p99(flooded):.1f} ms: {ratio:.2f} times"
    )
    return int(ratio > 3)


def _waits(client: httpx.Client, url: str, seconds: float) -> list[float]:
    """How long each request took, in milliseconds, at a steady rate: a late answer delays no other."""
    waits: list[float] = []
    begun = time.perf_counter()
    for number in range(round(seconds * ASKS_PER_S)):
        due = begun + number / ASKS_PER_S
        time.sleep(max(0, due - time.perf_counter()))  # lint: allow fixed-sleep: a steady rate
        client.get(url, params={"limit": 20}).raise_for_status()
        waits.append((time.perf_counter() - due) * 1000)
    return waits


def _p99(waits: Sequence[float]) -> float:
    return statistics.quantiles(waits, n=100)[98]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
