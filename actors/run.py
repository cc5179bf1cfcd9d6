"""A run: one claim's time with a job, and what every step of it asks: is it still ours, is there time left?

`work_on` is what each actor does: claim the job, do the work, record the outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import dramatiq
import structlog
from dramatiq.middleware import Shutdown, TimeLimitExceeded

from actors.outcome import Fail, Outcome, WaitForStorage, record
from actors.queue.leases import Lease
from actors.studio import Studio
from storage.audio_store import ObjectStoreFull, ObjectStoreUnavailable
from storage.jobs import Claim, FailureReason, LeaseLost
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
class Run:
    """A claim that is kept alive, with the time it has left."""

    claim: Claim
    lease: Lease
    ends_at: float

    @property
    def remaining_s(self) -> float:
        """Seconds to the job's deadline; negative when it has passed."""
        return self.ends_at - time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether `check` would stop it."""
        return self.lease.lost.is_set() or self.remaining_s <= 0

    def check(self) -> None:
        """Go on only if this returns.

        Raises:
            LeaseLost: the job is another worker's, or has ended.
            DeadlinePassed: its time is over.
        """
        if self.lease.lost.is_set():
            raise LeaseLost(self.claim.job_id)
        if self.remaining_s <= 0:
            raise DeadlinePassed


#: The work of a stage: what it returns becomes of the job. What it may raise beside that is in `outcome_of`.
Story = Callable[[Run, Studio], Outcome]


def work_on(job_id: UUID, stage: Stage, story: Story, studio: Studio) -> None:
    """Claim a job for a stage, do its work, and record the outcome.

    However it ends, the row says so before this returns.

    Raises:
        dramatiq.Retry: the row says when the job is due again; Dramatiq sends the message then.
    """
    claim = studio.stores.runs.claim(job_id, stage)
    if claim is None:
        log.info("nothing_to_do", job_id=str(job_id), stage=stage)
        return
    ends_at = time.monotonic() + claim.remaining_s
    with studio.leases.hold(claim) as lease:
        try:
            carry_out(story, Run(claim, lease, ends_at), studio)
        except LeaseLost:
            # The job was ended, or taken over by another worker: nothing may be written about it here any more.
            log.warning("lease_lost", job_id=str(job_id), attempt=claim.attempt)


def carry_out(story: Story, run: Run, studio: Studio) -> None:
    """Record what the story comes to, or what it means for the job that it broke off.

    Raises:
        LeaseLost: the run is over; nothing was written.
        dramatiq.Retry: as for `work_on`.
    """
    try:
        record(story(run, studio), run.claim, studio)
    except (LeaseLost, dramatiq.Retry):
        raise
    except (Exception, TimeLimitExceeded) as error:  # noqa: BLE001 # whatever it was: the row must say so
        record(outcome_of(error, run), run.claim, studio)


def outcome_of(error: BaseException, run: Run) -> Outcome:
    """What becomes of a job whose run was broken off by an error that is not its story's own."""
    logger = log.bind(job_id=str(run.claim.job_id), attempt=run.claim.attempt)
    match error:
        case DeadlinePassed() | TimeLimitExceeded():
            logger.info("job_timed_out")
            return Fail(FailureReason.TIMEOUT)
        case ObjectStoreFull():
            logger.warning("object_store_full", error=str(error))
            return Fail(FailureReason.STORAGE_FAILED, "the object store is full")
        case ObjectStoreUnavailable():
            logger.warning("object_store_unavailable", error=str(error))
            if run.remaining_s <= STORAGE_RETRY_S:
                return Fail(FailureReason.STORAGE_FAILED, "the object store is away")
            return WaitForStorage(STORAGE_RETRY_S)
        case _:
            logger.error("job_crashed", exc_info=error)
            return Fail(FailureReason.INTERNAL)
