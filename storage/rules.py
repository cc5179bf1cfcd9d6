"""The numbers of a job's life. Standard library only. What a setting may change is in `settings.py: RuleSettings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class JobRules:
    """What holds for every job.

    `max_active_jobs`: of one user, pending or processing.
    `deadline`: from a job's start to the end that it must have come to.
    `retention`, `cancelled_retention`: how long a job is kept when it has ended; one that was cancelled, less long.
    """

    max_active_jobs: int = 3
    deadline: timedelta = timedelta(minutes=10)
    retention: timedelta = timedelta(days=30)
    cancelled_retention: timedelta = timedelta(days=7)
