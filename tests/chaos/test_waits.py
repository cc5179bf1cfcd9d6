"""What counts as a fresh job's wait, and which kinds of fault it is held against."""

from __future__ import annotations

import random
from uuid import UUID

from tests.chaos.cluster import Cluster
from tests.chaos.faults.injector import Fault
from tests.chaos.faults.kind import Kind
from tests.chaos.waits import Wait, longest_waits, too_long


def worker_gone(cluster: Cluster, dice: random.Random) -> None: ...


def broker_gone(cluster: Cluster, dice: random.Random) -> None: ...


def wait(accepted_at: float, begun_at: float) -> Wait:
    return Wait(UUID(int=1), accepted_at, begun_at)


def test_a_wait_is_held_against_the_faults_that_it_met_and_no_other() -> None:
    faults = [Fault(Kind("worker", worker_gone), 10, 30), Fault(Kind("vendor", broker_gone), 100, 110)]

    assert longest_waits([wait(12, 20), wait(50, 70)], faults) == {"worker gone": 8, "broker gone": 0}


def test_the_time_without_a_broker_or_a_database_is_taken_off_once() -> None:
    faults = [
        Fault(Kind("rabbitmq", broker_gone), 10, 30),
        Fault(Kind("postgres", broker_gone), 20, 35),
        Fault(Kind("rabbitmq", broker_gone), 50, 55),
    ]

    assert wait(0, 60).healthy_s(faults) == 10 + 15 + 5
    assert wait(12, 33).healthy_s(faults) == 0
    assert wait(31, 36).healthy_s(faults) == 1


def test_a_wait_of_more_than_25_s_beside_a_healthy_worker_is_too_long() -> None:
    frozen = Fault(Kind("worker", worker_gone), 0, 60)
    away = Fault(Kind("rabbitmq", broker_gone), 0, 60)

    assert list(too_long([wait(1, 26)], [frozen])) == []
    assert ["worker gone" in words for words in too_long([wait(1, 27)], [frozen])] == [True]
    assert list(too_long([wait(1, 61)], [frozen, away])) == []
