"""What can become of a job when a run of it is over, and how that is written down.

`synthesize` and `assemble` end by saying one of these; `record` writes it into the row and only then tells others, so
that a message that is lost loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

import dramatiq
import structlog

from actors.studio import Studio
from storage.audio_store import AudioStoreError
from storage.jobs import Claim, FailureReason, LeaseLost

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HandOver:
    """This stage of work is done: the job is due for the next one."""


@dataclass(frozen=True, slots=True)
class Complete:
    """The audio is in the object store: the job is completed.

    `metadata`: what a client is told of it; the store adds the latency and the characters. `peaks`: the waveform.
    """

    file_id: UUID
    object_key: str
    size_bytes: int
    duration_ms: int
    metadata: Mapping[str, Any]
    peaks: bytes


@dataclass(frozen=True, slots=True)
class SpeakAgain:
    """The segments of these turns cannot be had: the job goes back to have them spoken."""

    turns: Sequence[int]


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The vendor failed for now: the job is due again after a wait. It counts as a retry."""

    after_s: float


@dataclass(frozen=True, slots=True)
class WaitForStorage:
    """The object store is away: the job is due again after a wait. It is no retry."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Fail:
    """The job has failed. `detail` is shown to its user behind the reason."""

    reason: FailureReason
    detail: str | None = None


Outcome = HandOver | Complete | SpeakAgain | TryAgain | WaitForStorage | Fail


def record(outcome: Outcome, claim: Claim, studio: Studio) -> None:
    """Write down what becomes of a job, and then tell the next worker, or Dramatiq.

    Raises:
        LeaseLost: the run is over already; nothing was written, and nobody is told.
        dramatiq.Retry: the row says when the job is due again; Dramatiq sends the message then.
    """
    runs = studio.stores.runs
    match outcome:
        case HandOver():
            studio.publish(claim.job_id, runs.hand_over(claim))
        case Complete():
            _complete(outcome, claim, studio)
        case SpeakAgain(turns):
            studio.publish(claim.job_id, runs.speak_again(claim, turns))
        case TryAgain(after_s):
            runs.retry(claim, after_s)
            _send_again(after_s)
        case WaitForStorage(after_s):
            runs.wait_for_storage(claim, after_s)
            _send_again(after_s)
        case Fail(reason, detail):
            runs.fail(claim, reason, detail)


def _send_again(after_s: float) -> NoReturn:
    raise dramatiq.Retry(delay=round(after_s * 1000)) from None


def _complete(outcome: Complete, claim: Claim, studio: Studio) -> None:
    try:
        studio.stores.runs.complete(
            claim,
            outcome.file_id,
            size_bytes=outcome.size_bytes,
            duration_ms=outcome.duration_ms,
            metadata=outcome.metadata,
            peaks=outcome.peaks,
        )
    except LeaseLost:
        _take_back(outcome.object_key, studio)
        raise
    log.info("job_completed", job_id=str(claim.job_id), duration_ms=outcome.duration_ms)


def _take_back(object_key: str, studio: Studio) -> None:
    """Delete what was uploaded for a run that is over. Should that fail, the row of intent tells the scheduler."""
    try:
        studio.stores.audio.delete(object_key)
    except AudioStoreError as error:
        log.warning("object_left_behind", key=object_key, error=str(error))
