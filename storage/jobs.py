"""The nouns: a job, its turns and voices, and what can go wrong in its life.

Standard library only: this is the page that every other module speaks in. Where a job can stand is `stages.py`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from storage.stages import JobStatus, Stage

JOB_TYPE: Final = "multi_role_tts"

#: So many characters of a job's first turn are its title.
TITLE_LENGTH: Final = 90

#: The one user of a server without keys (`AUTH=none`): the first migration adds it.
LOCAL_USER_ID: Final = UUID("00000000-0000-7000-8000-000000000000")


class FailureReason(StrEnum):
    """Why a job failed: the `error_code` that its user reads."""

    TIMEOUT = "timeout"  # its deadline passed
    SYSTEM_INTERRUPTED = "system_interrupted"  # its worker died or was restarted
    PROVIDER_FAILED = "provider_failed"  # the voice vendor failed again and again
    PROVIDER_REJECTED = "provider_rejected"  # the voice vendor refused for good
    STORAGE_FAILED = "storage_failed"  # the object store is full or away
    ORPHANED = "orphaned"  # nobody took it for a day
    INTERNAL = "internal"  # a defect of ours


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of the dialogue. `index` is 0-based and says the order of speaking.

    `voice_id`, `speed`, `style`: of this line alone, where they are not its speaker's.
    """

    speaker: str
    text: str
    index: int
    voice_id: str | None = None
    speed: float | None = None
    style: str | None = None


@dataclass(frozen=True, slots=True)
class VoiceAssignment:
    """Which of the provider's voices a speaker has, and how it is to speak.

    `speed`: a factor of the voice's own. `style`: a word for the manner, as `cheerful`.
    """

    speaker: str
    voice_id: str
    voice_name: str | None = None
    speed: float | None = None
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """What a job is asked to do: the request with its defaults filled in. Turns are in the order of speaking.

    `normalize`: whether all speakers are brought to the same loudness.
    """

    provider: str
    turns: tuple[Turn, ...]
    voice_assignments: tuple[VoiceAssignment, ...]
    language: str
    output_format: str
    gap_ms: int
    crossfade_ms: int
    normalize: bool = True
    _cast: Mapping[str, VoiceAssignment] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        cast = {assignment.speaker: assignment for assignment in self.voice_assignments}
        object.__setattr__(self, "_cast", cast)

    def voice_of(self, speaker: str) -> str:
        """The voice id of a speaker of this script."""
        return self._cast[speaker].voice_id

    def voice_for(self, turn: Turn) -> str:
        """The voice id that a turn is spoken in: its own, or its speaker's."""
        return turn.voice_id or self.voice_of(turn.speaker)

    def speed_for(self, turn: Turn) -> float:
        """How fast a turn is spoken, as a factor of the voice's own speed: its own, or its speaker's."""
        return turn.speed or self._cast[turn.speaker].speed or 1.0

    def style_for(self, turn: Turn) -> str | None:
        """The style that a turn is spoken in: its own, or its speaker's."""
        return turn.style or self._cast[turn.speaker].style

    def as_json(self) -> dict[str, Any]:
        """The shape that the API takes and gives back as `input_params`."""
        return {
            "provider": self.provider,
            "turns": [_turn_as_json(turn) for turn in self.turns],
            "voice_assignments": [_assignment_as_json(assignment) for assignment in self.voice_assignments],
            "language": self.language,
            "output_format": self.output_format,
            "gap_ms": self.gap_ms,
            "crossfade_ms": self.crossfade_ms,
            "normalize": self.normalize,
        }

    @classmethod
    def from_json(cls, params: Mapping[str, Any]) -> Script:
        """The inverse of `as_json`, for params that this project wrote itself."""
        turns = (
            Turn(t["speaker"], t["text"], t["index"], t.get("voice_id"), t.get("speed"), t.get("style"))
            for t in params["turns"]
        )
        return cls(
            provider=params["provider"],
            turns=tuple(sorted(turns, key=lambda turn: turn.index)),
            voice_assignments=tuple(
                VoiceAssignment(a["speaker"], a["voice_id"], a["voice_name"], a.get("speed"), a.get("style"))
                for a in params["voice_assignments"]
            ),
            language=params["language"],
            output_format=params["output_format"],
            gap_ms=params["gap_ms"],
            crossfade_ms=params["crossfade_ms"],
            # Jobs that are older than the field were all levelled.
            normalize=params.get("normalize", True),
        )


def _turn_as_json(turn: Turn) -> dict[str, Any]:
    own = {"voice_id": turn.voice_id, "speed": turn.speed, "style": turn.style}
    return {"speaker": turn.speaker, "text": turn.text, "index": turn.index} | _given(own)


def _assignment_as_json(assignment: VoiceAssignment) -> dict[str, Any]:
    params = {"speaker": assignment.speaker, "voice_id": assignment.voice_id, "voice_name": assignment.voice_name}
    return params | _given({"speed": assignment.speed, "style": assignment.style})


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its row says it is, without its script, which may be long. All times are aware and in UTC.

    `elapsed_ms`: from its start to its end, or to now; None before it has started.
    """

    id: UUID
    user_id: UUID
    job_type: str
    provider: str
    status: JobStatus
    stage: Stage
    turns_done: int
    turns_total: int
    retry_count: int
    attempt: int
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    deadline_at: datetime | None
    next_run_at: datetime | None
    expires_at: datetime | None
    result_metadata: Mapping[str, Any] | None
    audio_file_id: UUID | None
    error_code: FailureReason | None
    error_detail: str | None
    resubmitted_from: UUID | None
    revised_from: UUID | None
    elapsed_ms: int | None


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job as a list shows it. `duration_ms`: of its audio; None for one that has none."""

    id: UUID
    status: JobStatus
    stage: Stage
    job_type: str
    provider: str
    title: str
    turns_done: int
    turns_total: int
    next_run_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    error_code: FailureReason | None
    revised_from: UUID | None


def title_of(first_text: str) -> str:
    """What a job is called that nobody gave a title: the beginning of its first turn, in one line."""
    title = " ".join(first_text.split())
    return title if len(title) <= TITLE_LENGTH else f"{title[:TITLE_LENGTH]}…"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job in a `stage`: every write of a run shows its `attempt` and `lease_token`.

    `remaining_s` is what was left of the job's deadline when it was claimed.
    `takes`: the turns that were to be spoken again, each with a name for its new take, by which it is told from others
    of the same words.
    """

    job_id: UUID
    user_id: UUID
    stage: Stage
    attempt: int
    lease_token: UUID
    script: Script
    retry_count: int
    remaining_s: float
    takes: Mapping[int, str] = field(default_factory=dict[int, str])


@dataclass(frozen=True, slots=True)
class AudioFile:
    """The joined result of a job, in the object store under `object_key`."""

    id: UUID
    job_id: UUID
    object_key: str
    content_type: str
    size_bytes: int
    duration_ms: int


class JobError(Exception):
    """A move that a job's life does not allow."""


class JobNotFound(JobError):
    """There is no such job, or it is another user's: the two look the same."""


class JobLimitExceeded(JobError):
    """The user has as many active jobs as is allowed."""

    def __init__(self, current_jobs: int, max_jobs: int) -> None:
        super().__init__(f"{current_jobs} of {max_jobs} active jobs")
        self.current_jobs = current_jobs
        self.max_jobs = max_jobs


class JobConflict(JobError):
    """What was asked cannot be done with a job of this status."""

    def __init__(self, status: JobStatus) -> None:
        super().__init__(f"the job is {status}")
        self.status = status


class JobCannotCancel(JobConflict):
    """Only a pending job can be cancelled."""


class JobCannotResubmit(JobConflict):
    """Only a failed or cancelled job can be resubmitted."""


class JobCannotRevise(JobConflict):
    """Only a completed or failed job can be revised."""


class IdempotencyKeyReused(JobError):
    """The same Idempotency-Key came with another body."""


class LeaseLost(JobError):
    """Another worker has the job now, or it has ended: write nothing, clean up, stop."""


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562, 5.7): milliseconds since 1970 first, so that ids sort by creation."""
    unix_ms = time.time_ns() // 1_000_000
    random_bits = secrets.randbits(74)
    value = unix_ms << 80 | 0x7 << 76 | (random_bits >> 62) << 64 | 0b10 << 62 | random_bits & (1 << 62) - 1
    return UUID(int=value)
