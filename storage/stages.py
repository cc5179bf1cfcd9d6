"""Where a job can stand, how it moves, and the stages of work that it goes through.

Standard library only. How it moves from one place to the next is written in `job_store.py`, `run_store.py` and
`sweep_store.py`; `docs/architecture.md` draws it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class JobStatus(StrEnum):
    """What the outside sees."""

    PENDING = "pending"  # accepted, nobody has begun
    PROCESSING = "processing"  # begun: being spoken, waiting to try again, or being joined
    COMPLETED = "completed"  # there is audio
    FAILED = "failed"  # there is a reason
    CANCELLED = "cancelled"  # taken back by its user before anybody had begun

    @property
    def is_active(self) -> bool:
        """Whether the job takes one of its user's slots."""
        return self in ACTIVE


ACTIVE: Final = frozenset({JobStatus.PENDING, JobStatus.PROCESSING})


class Stage(StrEnum):
    """Where an active job stands; `done` for every other."""

    QUEUED = "queued"  # waits to be spoken
    SYNTHESIZING = "synthesizing"  # its turns are being spoken
    RETRYING = "retrying"  # waits to be spoken again after a provider failed
    ASSEMBLING = "assembling"  # all turns are spoken; waits to be joined or is being joined
    DONE = "done"  # completed, failed or cancelled


#: Where a job stands.
Place = tuple[JobStatus, Stage]

#: The moves that a job may make. Whatever is not here is a defect.
TRANSITIONS: Final[Mapping[Place, frozenset[Place]]] = {
    (JobStatus.PENDING, Stage.QUEUED): frozenset(
        {
            (JobStatus.PROCESSING, Stage.SYNTHESIZING),
            (JobStatus.CANCELLED, Stage.DONE),
            (JobStatus.FAILED, Stage.DONE),
        }
    ),
    (JobStatus.PROCESSING, Stage.SYNTHESIZING): frozenset(
        {
            (JobStatus.PROCESSING, Stage.RETRYING),
            (JobStatus.PROCESSING, Stage.ASSEMBLING),
            (JobStatus.FAILED, Stage.DONE),
        }
    ),
    (JobStatus.PROCESSING, Stage.RETRYING): frozenset(
        {(JobStatus.PROCESSING, Stage.SYNTHESIZING), (JobStatus.FAILED, Stage.DONE)}
    ),
    (JobStatus.PROCESSING, Stage.ASSEMBLING): frozenset(
        {
            (JobStatus.PROCESSING, Stage.RETRYING),
            (JobStatus.COMPLETED, Stage.DONE),
            (JobStatus.FAILED, Stage.DONE),
        }
    ),
    (JobStatus.COMPLETED, Stage.DONE): frozenset(),
    (JobStatus.FAILED, Stage.DONE): frozenset(),
    (JobStatus.CANCELLED, Stage.DONE): frozenset(),
}


@dataclass(frozen=True, slots=True)
class Work:
    """A stage in which a worker works on a job: who is told of it, where a job waits for it, what comes next.

    `queue`, `actor`: where its messages go. `uses`: what it needs most of, for whoever scales it.
    `waits_at`: where a job stands that is due for it.
    `waits_again_at`: where a job stands when its worker has let go of it for a while.
    `then`: the stage that it is handed over to; None: the job is completed.
    """

    queue: str
    actor: str
    uses: str
    waits_at: tuple[Place, ...]
    waits_again_at: Stage
    then: Stage | None


#: The stages of work, in the order in which a job goes through them. This table is the only place that knows them: the
#: claim, the hand-over, the sweep, the queues, the actors and the command line are made of it. Which function does the
#: work is said in `actors/queue/worker.py`.
WORK: Final[Mapping[Stage, Work]] = {
    Stage.SYNTHESIZING: Work(
        queue="synthesis",
        actor="synthesize",
        uses="waits on vendors",
        waits_at=((JobStatus.PENDING, Stage.QUEUED), (JobStatus.PROCESSING, Stage.RETRYING)),
        waits_again_at=Stage.RETRYING,
        then=Stage.ASSEMBLING,
    ),
    Stage.ASSEMBLING: Work(
        queue="assembly",
        actor="assemble",
        uses="uses the processor",
        waits_at=((JobStatus.PROCESSING, Stage.ASSEMBLING),),
        waits_again_at=Stage.ASSEMBLING,
        then=None,
    ),
}

#: What a new job is due for.
FIRST_STAGE: Final = next(iter(WORK))
QUEUES: Final = tuple(work.queue for work in WORK.values())

_DUE_FOR: Final = {place: stage for stage, work in WORK.items() for place in work.waits_at}


def due_for(status: JobStatus, stage: Stage) -> Stage:
    """The stage of work that a job waits for which stands here."""
    return _DUE_FOR[status, stage]
