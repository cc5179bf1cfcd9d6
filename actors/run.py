"""A run: one claim's time with a job, and what every step of it asks: is it still ours, is there time left?"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import dramatiq
import structlog
from dramatiq.middleware import Shutdown, TimeLimitExceeded

from actors.providers.provider import Provider
from actors.queue.leases import Lease, Leases
from actors.settings import WorkSettings
from storage.audio_store import AudioStore, ObjectStoreFull, ObjectStoreUnavailable
from storage.jobs import Claim, FailureReason, LeaseLost
from storage.run_store import RunStore
from storage.segment_store import SegmentStore
from storage.stages import Stage

#: Pause before the object store is tried again. The job waits in the queue meanwhile, not in a thread.
STORAGE_RETRY_S: Final = 5.0
#: Dramatiq's TimeLimit is the net under the deadline: it strikes when the deadline is over for so long.
TIME_LIMIT_MARGIN_S: Final = 30.0
#: What Dramatiq may throw into a thread. It never retries them: the row says what becomes of the job.
INTERRUPTS: Final = (TimeLimitExceeded, Shutdown)

log = structlog.get_logger()


class DeadlinePassed(Exception):
    """The job has run for as long as it may."""


@dataclass(frozen=True, slots=True)
class Studio:
    """What a worker works with."""

    settings: WorkSettings
    runs: RunStore
    segments: SegmentStore
    audio: AudioStore
    providers: Mapping[str, Provider]
    leases: Leases
    publish: Callable[[UUID, Stage], None]


@dataclass(frozen=True, slots=True)
class Run:
    """A claim that is kept alive, with the time it has left."""

    claim: Claim
    lease: Lease
    ends_at: float

    @property
    def remaining_s(self) -> float:
        """Seconds to the job's deadline; negative when it has passed."""
        return self.ends_at - time.monotonic()

    def check(self) -> None:
        """Go on only if this returns.

        Raises:
            LeaseLost: the job is somebody else's, or has ended.
            DeadlinePassed: its time is over.
        """
        if self.lease.lost.is_set():
            raise LeaseLost(self.claim.job_id)
        if self.remaining_s <= 0:
            raise DeadlinePassed


@contextmanager
def begun(studio: Studio, claim: Claim) -> Generator[Run]:
    """A run of this claim. However it ends, the row says so before this returns: what the block raises becomes the
    job's next state.

    Raises:
        dramatiq.Retry: the row says when the job is due again; Dramatiq sends the message then.
    """
    logger = log.bind(job_id=str(claim.job_id), attempt=claim.attempt)
    ends_at = time.monotonic() + claim.remaining_s
    try:
        with studio.leases.hold(claim) as lease:
            run = Run(claim, lease, ends_at)
            try:
                yield run
            except (DeadlinePassed, TimeLimitExceeded):
                logger.info("job_timed_out")
                studio.runs.fail(claim, FailureReason.TIMEOUT)
            except ObjectStoreFull as error:
                logger.warning("object_store_full", error=str(error))
                studio.runs.fail(claim, FailureReason.STORAGE_FAILED, "the object store is full")
            except ObjectStoreUnavailable as error:
                logger.warning("object_store_unavailable", error=str(error))
                wait_for_storage(studio, run)
    except LeaseLost:
        # Somebody has ended the job, or taken it over. It is no longer ours to say anything about it.
        logger.warning("lease_lost")
    except dramatiq.Retry:
        raise
    except Exception:
        logger.exception("job_crashed")
        fail_if_ours(studio, claim)


def wait_for_storage(studio: Studio, run: Run) -> None:
    """Let the job wait for the object store, if there is time to."""
    if run.remaining_s <= STORAGE_RETRY_S:
        studio.runs.fail(run.claim, FailureReason.STORAGE_FAILED, "the object store is away")
        return
    studio.runs.wait_for_storage(run.claim, STORAGE_RETRY_S)
    raise dramatiq.Retry(delay=round(STORAGE_RETRY_S * 1000)) from None


def fail_if_ours(studio: Studio, claim: Claim) -> None:
    """End a job after a defect of ours, which is in the log."""
    try:
        studio.runs.fail(claim, FailureReason.INTERNAL)
    except LeaseLost:
        log.warning("lease_lost", job_id=str(claim.job_id), attempt=claim.attempt)
