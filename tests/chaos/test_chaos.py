"""The chaos run in short: some jobs, one fault of each kind that is over soon. In full: `python -m tests.chaos`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from tests.chaos.cluster import Cast
from tests.chaos.faults.injector import plan
from tests.chaos.faults.table import KINDS
from tests.chaos.ground import Ground
from tests.chaos.run import Order, run

#: Those that are over soon: not a RabbitMQ that starts anew, but for one; not a worker that is frozen past its lease.
QUICK = (
    "api killed",
    "worker killed",
    "worker frozen",
    "scheduler killed",
    "api dies at a failpoint",
    "worker dies at a failpoint",
    "rabbitmq killed",
    "object store frozen",
    "postgres killed",
    "postgres connections dropped",
    "object store killed",
    "vendor unavailable",
)

CAST = Cast(apis=2, workers=2, schedulers=1)


def test_whatever_crashes_every_accepted_job_comes_to_one_good_end(ground: Ground, server_directory: Path) -> None:
    kinds = [kind for kind in KINDS if kind.name in QUICK]

    report = run(ground, server_directory, Order(seed=7, jobs=48, faults=12, people=6, kinds=kinds, limit_s=180), CAST)

    assert report.is_good, str(report)
    assert report.injected.total() >= 12


def test_a_seed_makes_the_same_plan_again_with_every_kind_in_it() -> None:
    def planned(seed: int) -> list[tuple[str, float]]:
        return [(kind.name, dice.random()) for kind, dice in islice(plan(seed, KINDS), 2 * len(KINDS))]

    assert planned(1) == planned(1) != planned(2)
    assert {name for name, _ in planned(1)[: len(KINDS)]} == {kind.name for kind in KINDS}
