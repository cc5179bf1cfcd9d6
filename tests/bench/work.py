"""Jobs of one turn from the submit to the end, through one worker, with a vendor that answers at once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx
import psycopg

from tests.bench.ground import PATIENCE_S, Ground, cpu_s
from tests.bench.submit import BODY
from tests.integration.system import wait_until


@dataclass(frozen=True)
class Worked:
    """What jobs took. `pick_up_ms`, `whole_ms`: of single ones on an idle system, by the database's clock."""

    jobs_a_second: float
    cpu_ms_a_job: float
    pick_up_ms: float
    whole_ms: float


def measure(ground: Ground, jobs: int, idle_jobs: int) -> Worked:
    """`jobs` at once, of as many users as they need; and `idle_jobs`, one after the other."""
    api, worker = ground.readthrough("api"), ground.readthrough("worker", "--queues", "synthesis,assembly")
    url = f"{api.wait_for('api_started')['url']}/api/v1/jobs"
    keys = ground.keys.read_text().split()
    ground.clear()
    with psycopg.connect(ground.database_url, autocommit=True) as connection, httpx.Client() as client:

        def completed() -> int:
            (count,) = connection.execute("SELECT count(*) FROM jobs WHERE status = 'completed'").fetchone() or (0,)
            return count

        def submit(number: int) -> None:
            # Other words each time: what was spoken before is not spoken again.
            body = {**BODY, "turns": [{"speaker": "A", "text": f"hello, number {number}", "index": 0}]}
            head = {"Authorization": f"Bearer {keys[number % len(keys)]}"}
            client.post(url, json=body, headers=head).raise_for_status()

        for number in range(idle_jobs + 3):
            submit(number)
            wait_until(lambda number=number: completed() == number + 1, "it is completed", PATIENCE_S)
        idle = connection.execute(_TIMES).fetchall()[3:]
        ground.clear()
        for number in range(jobs):
            submit(number)
        wait_until(lambda: completed() == jobs, "all are completed", timeout_s=300)
        ground.clear()
        before, began = cpu_s(worker.pid), time.perf_counter()
        for number in range(jobs):
            submit(number)
        wait_until(lambda: completed() == jobs, "all are completed", timeout_s=300)
        took_s = time.perf_counter() - began
        return Worked(
            jobs / took_s,
            (cpu_s(worker.pid) - before) / jobs * 1000,
            statistics.median(pick_up for pick_up, _ in idle),
            statistics.median(whole for _, whole in idle),
        )


_TIMES = """
SELECT extract(epoch FROM started_at - created_at)::float * 1000,
    extract(epoch FROM completed_at - created_at)::float * 1000
FROM jobs ORDER BY id
"""


def lines(worked: Worked) -> Iterator[Sequence[str]]:
    """The rows of the table."""
    yield "idle, from the submit to the start", f"{worked.pick_up_ms:.1f} ms"
    yield "idle, from the submit to the end", f"{worked.whole_ms:.1f} ms"
    yield "one worker, both queues", f"{worked.jobs_a_second:.1f} jobs/s"
    yield "processor time of the worker", f"{worked.cpu_ms_a_job:.1f} ms a job"
