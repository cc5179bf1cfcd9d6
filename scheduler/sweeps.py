"""The sweeps: what the scheduler puts right with jobs. Plain functions; when they run is `timetable.py`'s matter.

Each may run at any time, beside another scheduler, and again after it broke off half-way: what a sweep does is one
guarded statement. What is deleted, and when, is in `retention.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from actors.queue.leases import HEARTBEAT_S
from storage.errors import DatabaseUnavailable
from storage.stages import WORK, Stage
from storage.stores import Stores
from storage.sweep_store import Lease

#: A message that is this late is taken for lost. Less would send twice what is merely on its way.
OVERDUE_S: Final = 0.5
#: A message that was sent is not sent again before this: it may wait in a long queue. The next one waits twice as long,
#: and so on, up to the longest.
REPUBLISH_S: Final = 20.0
LONGEST_REPUBLISH_S: Final = 600.0
#: In an empty queue nothing waits for a worker: a message that was sent so long ago and not received is lost, or in the
#: hands of a worker that stands still.
LOST_S: Final = 5.0
#: Messages sent in one sweep.
_DISPATCHED_AT_ONCE: Final = 500

#: A heartbeat that stands still for so long is a dead worker's: three beats missed.
STANDSTILL_S: Final = 3 * HEARTBEAT_S
#: Longer pauses between two looks prove nothing: perhaps it was we, or the database, who stood still.
LONGEST_PAUSE_S: Final = 6.0

#: Past its deadline by so much, a job's own worker will not say so any more.
TIMEOUT_MARGIN_S: Final = 2.0
ORPHANED_AFTER: Final = timedelta(hours=24)

log = structlog.get_logger()


def dispatch(
    stores: Stores,
    publish: Callable[[UUID, Stage], None],
    empty_queues: Callable[[], Collection[str]] = frozenset,
    *,
    overdue_s: float = OVERDUE_S,
    republish_s: float = REPUBLISH_S,
    limit: int = _DISPATCHED_AT_ONCE,
) -> int:
    """Send a message for every due job whose own seems lost. May send one too many: the second claim finds nothing.

    `empty_queues`: those in which no message waits. It is asked only when a job has been waiting for `LOST_S` seconds.
    """
    due = list(
        stores.sweeps.due(overdue_s=overdue_s, republish_s=republish_s, longest_s=LONGEST_REPUBLISH_S, limit=limit)
    )
    waiting = stores.sweeps.due(overdue_s=overdue_s, republish_s=LOST_S, longest_s=LOST_S, limit=limit)
    if perhaps_lost := set(waiting) - set(due):
        empty = empty_queues()
        due += [one for one in waiting if one in perhaps_lost and WORK[one[1]].queue in empty]
    for job_id, stage in due:
        publish(job_id, stage)
    return len(due)


class DeadWorkers:
    """Fails the jobs of dead workers: those whose heartbeat this scheduler has itself seen standing still for 15 s.

    Its own monotonic clock counts, and only while it looks often enough: a database that was away for a minute makes
    no job dead. What it can get wrong: a worker that is stopped for 15 s and goes on (SIGSTOP, a frozen machine) finds
    its lease lost, and its job failed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_at = -LONGEST_PAUSE_S
        self._still_since: dict[Lease, float] = {}

    def __call__(self, stores: Stores) -> int:
        """Look once; how many jobs were failed."""
        leases = stores.sweeps.leases()
        now = self._clock()
        known = self._still_since if now - self._looked_at <= LONGEST_PAUSE_S else {}
        self._looked_at = now
        self._still_since = {lease: known.get(lease, now) for lease in leases}
        dead = [lease for lease, since in self._still_since.items() if now - since >= STANDSTILL_S]
        return sum(_interrupt(stores, lease) for lease in dead)


def _interrupt(stores: Stores, lease: Lease) -> bool:
    try:
        return stores.sweeps.interrupt(lease)
    except DatabaseUnavailable:
        raise  # the others would wait for it in vain, too
    except Exception as error:  # noqa: BLE001 # a defect of ours about one row: the others are failed all the same
        log.error("job_not_interrupted", job_id=str(lease.job_id), error=repr(error))  # noqa: TRY400 # not a crash
        return False


def set_times_right(stores: Stores) -> int:
    """Have nobody wait for an hour because the database's clock was set back by one."""
    return stores.sweeps.set_times_right()


def time_out(stores: Stores) -> int:
    """Fail the jobs that have outlived their deadline (FR-016)."""
    return stores.sweeps.time_out(margin_s=TIMEOUT_MARGIN_S)


def orphan(stores: Stores) -> int:
    """Fail the jobs that nobody took for a day."""
    return stores.sweeps.orphan(after=ORPHANED_AFTER)
