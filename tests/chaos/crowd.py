"""The crowd: fifty submits of one user at the same moment, against several API processes, again and again.

`python -m tests.chaos.crowd --repeats 100` prints how each fared; in `make test` it is done three times.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any, Final

import httpx

from storage.stages import JobStatus
from storage.stores import Stores
from tests.chaos.cluster import Cast, Cluster
from tests.chaos.ground import Ground, private_ground

CROWD: Final = 50
#: What must come of it: every slot taken, everybody else refused.
EXPECTED: Final = Counter({201: 3, 429: CROWD - 3})
#: Several API processes, and nobody who would work on a job and so make room for another.
APIS_ALONE: Final = Cast(apis=3, workers=0, schedulers=0)

SCRIPT: Final[dict[str, Any]] = {
    "provider": "openai",
    "turns": [{"speaker": "A", "text": "Me first!", "index": 0}],
    "voice_assignments": [{"speaker": "A", "voice_id": "alloy"}],
}


def rush(ground: Ground, directory: Path, repeats: int) -> Sequence[Counter[int]]:
    """What the crowd was answered, each time by status. The jobs of one time are cancelled before the next."""
    cluster = Cluster(ground, directory, APIS_ALONE)
    try:
        with ground.stores() as stores, ThreadPoolExecutor(CROWD) as pool:
            cluster.start(cluster.members)
            cluster.wait_until_ready()
            key = stores.keys.create("the crowd")
            clients = [httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=30) for _ in range(CROWD)]
            urls = [f"{cluster.urls[n % len(cluster.urls)]}/api/v1/jobs" for n in range(CROWD)]
            answers: list[Counter[int]] = []
            for _ in range(repeats):
                answers.append(_rush_once(pool, clients, urls))
                _leave(stores, key)
            for client in clients:
                client.close()
            return answers
    finally:
        cluster.close()


def _rush_once(pool: ThreadPoolExecutor, clients: Sequence[httpx.Client], urls: Sequence[str]) -> Counter[int]:
    at_the_door = Barrier(len(clients))

    def submit(client: httpx.Client, url: str) -> int:
        at_the_door.wait(30)
        return client.post(url, json=SCRIPT).status_code

    return Counter(pool.map(submit, clients, urls))


def _leave(stores: Stores, key: str) -> None:
    user_id = stores.keys.user_of(key)
    assert user_id is not None
    waiting = stores.lists.page(user_id, status=JobStatus.PENDING, limit=CROWD).items
    for job in waiting:
        stores.jobs.cancel(user_id, job.id)


def main() -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.crowd", description=__doc__)
    parser.add_argument("--repeats", type=int, default=100)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory(prefix="readthrough-crowd-") as name, private_ground(Path(name)) as ground:
        answers = rush(ground, Path(name), repeats)
    as_expected = sum(times == EXPECTED for times in answers)
    sys.stdout.write(f"{as_expected} of {repeats} times exactly 3 x 201 and {CROWD - 3} x 429\n")
    for times in answers:
        if times != EXPECTED:
            sys.stdout.write(f"  {dict(times)}\n")
    return 0 if as_expected == repeats else 1


if __name__ == "__main__":
    sys.exit(main())
