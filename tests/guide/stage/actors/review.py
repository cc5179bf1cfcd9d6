"""Review, a stage that does not exist: what the file of a stage is. It lets every job pass."""

from __future__ import annotations

import structlog

from actors.outcome import HandOver, Outcome
from actors.run import Run
from actors.studio import Studio

log = structlog.get_logger()


def review(run: Run, studio: Studio) -> Outcome:
    """Look at the job, and hand it over.

    Raises:
        LeaseLost, DeadlinePassed: the run is over.
    """
    run.check()
    log.info("job_reviewed", job_id=str(run.claim.job_id), providers=len(studio.providers))
    return HandOver()
