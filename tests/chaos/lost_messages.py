"""Lost messages: RabbitMQ is killed and its data deleted while jobs wait; every job is completed all the same.

`python -m tests.chaos.lost_messages --jobs 200` says how many were; in `make test` there are 30.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy import func, select

from storage.stores import Stores
from storage.tables import jobs as jobs_table
from tests.chaos import verdict
from tests.chaos.cluster import Cast, Cluster, wait_until
from tests.chaos.crowd import SCRIPT
from tests.chaos.ground import Ground, private_ground

#: Active jobs that a user may have.
_SLOTS: Final = 3
#: A message that was sent is sent again after 30 s; a few seconds more for each hundred jobs.
_PATIENCE_S: Final = 120.0
_CAST: Final = Cast(apis=1, workers=2, schedulers=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the jobs ended, and how long after RabbitMQ was there again."""

    ends: Counter[str]
    took_s: float


def lose_all_messages(ground: Ground, directory: Path, jobs: int) -> Outcome:
    """Submit jobs while nobody works, delete every message that was sent for them, and let the workers begin."""
    cluster = Cluster(ground, directory, _CAST)
    try:
        with ground.stores() as stores:
            cluster.start([*cluster.apis, cluster.vendor])
            cluster.wait_until_ready()
            _submit(cluster, stores, jobs)
            wait_until(lambda: _count_published(stores) == jobs, 30, "a message was sent for every job")
            ground.rabbitmq.kill()
            ground.rabbitmq.wipe()
            ground.rabbitmq.start()
            begun_at = time.monotonic()
            cluster.start([*cluster.workers, *cluster.schedulers])
            verdict.drain(stores.engine, _PATIENCE_S)
            return Outcome(verdict.count_ends(verdict.ends_of(stores)), time.monotonic() - begun_at)
    finally:
        cluster.close()


def _submit(cluster: Cluster, stores: Stores, count: int) -> None:
    keys = [stores.keys.create(f"user-{n}") for n in range(-(-count // _SLOTS))]
    with httpx.Client(base_url=f"{cluster.urls[0]}/api/v1", timeout=30) as client:
        for key in islice(cycle(keys), count):
            client.post("/jobs", json=SCRIPT, headers={"Authorization": f"Bearer {key}"}).raise_for_status()


def _count_published(stores: Stores) -> int:
    sent = select(func.count()).select_from(jobs_table).where(jobs_table.c.last_published_at.is_not(None))
    with stores.engine.connect() as connection:
        return connection.execute(sent).scalar_one()


def main() -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.lost_messages", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory(prefix="readthrough-lost-") as name, private_ground(Path(name)) as ground:
        outcome = lose_all_messages(ground, Path(name), jobs)
    sys.stdout.write(f"{dict(outcome.ends)}, {outcome.took_s:.0f} s after RabbitMQ was there again\n")
    return 0 if outcome.ends == {"completed": jobs} else 1


if __name__ == "__main__":
    sys.exit(main())
