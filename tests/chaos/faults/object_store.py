"""The object store: it is away, answers badly, and now and then loses what it has acknowledged."""

from __future__ import annotations

import random
import time
from typing import Final

import psycopg

from tests.chaos import door
from tests.chaos.cluster import Cluster
from tests.chaos.faults.kind import NotInjected, frozen

_A_WHILE_S: Final = (2.0, 8.0)
#: No job may have a segment yet at the moment of the fault: it is looked for so long.
_SEARCH_S: Final = 10.0
#: The segments of jobs that are not joined yet.
_IN_USE: Final = (
    "SELECT DISTINCT segments.object_key FROM segments"
    " JOIN job_turns ON job_turns.segment_id = segments.id JOIN jobs ON jobs.id = job_turns.job_id"
    " WHERE segments.state = 'stored' AND jobs.status = 'processing'"
)


def object_store_killed(cluster: Cluster, dice: random.Random) -> None:
    """kill -9. Healed: it is started again."""
    store = cluster.ground.object_store
    store.kill()
    cluster.let_pass(dice.uniform(0.2, 4))
    store.start()


def object_store_frozen(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP for seconds. Healed: it goes on."""
    with frozen(cluster.ground.object_store.pid):
        cluster.let_pass(dice.uniform(1, 8))


def object_store_refuses_one_key(cluster: Cluster, dice: random.Random) -> None:
    """AccessDenied to whatever is asked of one object. Healed: it is as the others."""
    with cluster.door.doing(door.refusing_one_key()):
        cluster.let_pass(dice.uniform(*_A_WHILE_S))


def object_store_refuses_deletes(cluster: Cluster, dice: random.Random) -> None:
    """AccessDenied to whoever wants to delete, as under an object lock. Healed: it is allowed again."""
    with cluster.door.doing(door.refusing_deletes()):
        cluster.let_pass(dice.uniform(*_A_WHILE_S))


def object_store_full(cluster: Cluster, dice: random.Random) -> None:
    """507 to whoever brings something. Healed: there is room again."""
    with cluster.door.doing(door.full()):
        cluster.let_pass(dice.uniform(*_A_WHILE_S))


def object_store_busy(cluster: Cluster, dice: random.Random) -> None:
    """SlowDown, whatever is asked. Healed: it answers again."""
    with cluster.door.doing(door.busy()):
        cluster.let_pass(dice.uniform(*_A_WHILE_S))


def object_store_slow(cluster: Cluster, dice: random.Random) -> None:
    """Every answer comes 5 s late. Healed: it comes at once."""
    with cluster.door.doing(door.slow(cluster.door)):
        cluster.let_pass(dice.uniform(*_A_WHILE_S))


def object_store_breaks_off(cluster: Cluster, dice: random.Random) -> None:
    """Every answer ends in its middle. Healed: they come whole."""
    with cluster.door.cutting():
        cluster.let_pass(dice.uniform(*_A_WHILE_S))


def object_store_loses_a_segment(cluster: Cluster, dice: random.Random) -> None:
    """A segment that it has acknowledged, and that a job is about to need, is gone. Healed: it is spoken again."""
    key = _segment_in_use(cluster, dice)
    with cluster.ground.stores() as stores:
        cluster.lost_keys.add(key)
        stores.audio.delete(key)


def object_store_damages_a_segment(cluster: Cluster, dice: random.Random) -> None:
    """A segment that a job is about to need holds other bytes than were put. Healed: it is spoken again."""
    key = _segment_in_use(cluster, dice)
    with cluster.ground.stores() as stores:
        stores.audio.put(key, dice.randbytes(1000), "audio/wav")


def _segment_in_use(cluster: Cluster, dice: random.Random) -> str:
    give_up_at = time.monotonic() + _SEARCH_S
    try:
        with psycopg.connect(cluster.ground.database_url, autocommit=True, connect_timeout=5) as connection:
            while not (found := connection.execute(_IN_USE).fetchall()):
                if time.monotonic() > give_up_at:
                    raise NotInjected
                cluster.let_pass(0.02)
    except psycopg.OperationalError as error:
        raise NotInjected from error
    return str(dice.choice(sorted(found))[0])
