"""The heartbeat of jobs: it goes on whatever the other threads and connections of the process do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest

from actors.queue.leases import Leases
from storage.engine import make_engine
from storage.jobs import FailureReason
from storage.rules import JobRules
from storage.run_store import RunStore
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings
from storage.stores import Stores
from tests.integration.conftest import claimed
from tests.integration.system import wait_until

NOBODY = cast("Any", None)


@pytest.fixture
def stores(database: DatabaseSettings, object_store_settings: ObjectStoreSettings) -> Iterator[Stores]:
    """Stores with one connection beside the heartbeat's."""
    made = Stores.make(database, object_store_settings, RuleSettings(), pool_size=1)
    yield made
    made.close()


@pytest.fixture
def leases(stores: Stores) -> Iterator[Leases]:
    """At work, with a quick heart."""
    made = Leases(stores.heartbeats, interval_s=0.02)
    made.after_worker_boot(NOBODY, NOBODY)
    yield made
    made.after_worker_shutdown(NOBODY, NOBODY)


def heartbeat(stores: Stores, job_id: UUID) -> int:
    with stores.heartbeat_engine.connect() as connection:
        return connection.exec_driver_sql("SELECT heartbeat FROM jobs WHERE id = %s", (job_id,)).scalar_one()


def test_a_held_lease_beats_while_every_other_connection_is_busy(stores: Stores, leases: Leases) -> None:
    claim = claimed(stores)
    before = heartbeat(stores, claim.job_id)

    with leases.hold(claim) as lease, stores.engine.connect():
        wait_until(lambda: heartbeat(stores, claim.job_id) > before + 2, "it beats")
        assert not lease.lost.is_set()


def test_a_lease_that_was_let_go_beats_no_more(stores: Stores, leases: Leases) -> None:
    let_go, held = claimed(stores), claimed(stores)
    with leases.hold(let_go):
        pass
    before = heartbeat(stores, let_go.job_id)

    with leases.hold(held):
        wait_until(lambda: heartbeat(stores, held.job_id) > 3, "the other one beats")

    assert heartbeat(stores, let_go.job_id) == before
    assert leases.held() == []


def test_a_lease_of_a_job_that_somebody_ended_is_lost_and_the_others_are_not(stores: Stores, leases: Leases) -> None:
    ended, living = claimed(stores), claimed(stores)
    with leases.hold(ended) as lost, leases.hold(living) as kept:
        stores.runs.fail(replace(ended), FailureReason.TIMEOUT)

        assert lost.lost.wait(10)
        assert not kept.lost.is_set()


def test_a_beat_that_cannot_be_sent_loses_no_lease(stores: Stores) -> None:
    away = make_engine("postgresql://nobody@127.0.0.1:1/nothing")
    leases = Leases(RunStore(away, JobRules()))
    with leases.hold(claimed(stores)) as lease:
        leases.beat()

        assert not lease.lost.is_set()
    away.dispose()
