"""Retention: what has had its time is deleted, the object before its row, batch by batch until nothing is left.

An object that the store refuses to delete keeps its row, and is tried again at the next sweep; it holds up no other.
The object store being away ends the sweep. Each may run at any time, beside another scheduler.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID

import structlog

from storage.audio_store import AudioStoreError
from storage.retention_store import DoomedObject
from storage.stores import Stores

#: No upload takes so long: what was begun before it and not finished is a dead worker's.
ABANDONED_AFTER: Final = timedelta(minutes=30)
#: A segment that nobody used for so long goes.
SEGMENTS_KEPT: Final = timedelta(days=7)
#: A sweep ends after the batch in which so much time was over: a stop waits for it. The next one goes on.
LONGEST_SWEEP_S: Final = 20.0
_BATCHES_AT_ONCE: Final = 2

B = TypeVar("B")

log = structlog.get_logger()


def expire_jobs(stores: Stores) -> int:
    """Delete the jobs that have been kept long enough, their audio first (FR-021); how many went."""
    return _sweep(stores, stores.retention.expired_jobs(), _expire_jobs)


def expire_segments(stores: Stores) -> int:
    """Delete the segments that nobody has used for a week, and those that never were finished; how many went."""
    doomed = stores.retention.doomed_segments(unused_for=SEGMENTS_KEPT, abandoned_after=ABANDONED_AFTER)
    return _sweep(stores, doomed, _expire_segments)


def collect_abandoned_audio(stores: Stores) -> int:
    """Delete what dead workers were uploading, half-sent parts too; how many uploads there were."""
    abandoned = stores.retention.abandoned_audio(after=ABANDONED_AFTER)
    return _sweep(stores, [abandoned], _collect_audio)


def _expire_jobs(stores: Stores, job_ids: Sequence[UUID]) -> int:
    refused = _delete(stores, stores.retention.audio_of(job_ids))
    return stores.retention.forget_jobs([job_id for job_id in job_ids if job_id not in refused])


def _expire_segments(stores: Stores, doomed: Sequence[DoomedObject]) -> int:
    refused = _delete(stores, doomed)
    return stores.retention.forget_segments([one.id for one in doomed if one.id not in refused])


def _collect_audio(stores: Stores, doomed: Sequence[DoomedObject]) -> int:
    for one in doomed:
        stores.audio.abort_uploads(one.object_key)
    refused = _delete(stores, doomed)
    return stores.retention.forget_audio([one.id for one in doomed if one.id not in refused])


def _delete(stores: Stores, doomed: Sequence[DoomedObject]) -> Mapping[UUID, str]:
    """Delete the objects; the ids of rows that must stay, each with the store's reason.

    Raises:
        AudioStoreError: the object store is away.
    """
    refused = stores.audio.delete_many([one.object_key for one in doomed])
    if refused:
        key, reason = next(iter(refused.items()))
        log.warning("objects_not_deleted", count=len(refused), key=key, reason=reason)
    return {one.id: refused[one.object_key] for one in doomed if one.object_key in refused}


def _sweep(stores: Stores, batches: Iterable[B], delete: Callable[[Stores, B], int]) -> int:
    """Delete batch after batch, as long as there is one, the object store is there, and there is time.

    Several side by side: while the object store deletes the one, the database finds the next.
    """
    ends_at = time.monotonic() + LONGEST_SWEEP_S
    deleted = 0
    in_hand: deque[Future[int]] = deque()
    with ThreadPoolExecutor(_BATCHES_AT_ONCE, thread_name_prefix="retention") as threads:
        try:
            for batch in batches:
                in_hand.append(threads.submit(delete, stores, batch))
                if len(in_hand) == _BATCHES_AT_ONCE:
                    deleted += in_hand.popleft().result()
                if time.monotonic() >= ends_at:
                    break
            while in_hand:
                deleted += in_hand.popleft().result()
        except AudioStoreError as error:
            log.warning("object_store_unavailable", error=str(error))
            deleted += sum(one.result() for one in in_hand if one.exception() is None)
    return deleted
