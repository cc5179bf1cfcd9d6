"""What the statements of several stores have in common: the clock, and the values of a row that has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func

from storage.jobs import FailureReason
from storage.stages import JobStatus, Stage

Clock = Callable[[], ColumnElement[datetime]]


def database_clock() -> ColumnElement[datetime]:
    """Now, as the database sees it, the same throughout a statement."""
    return func.statement_timestamp()


#: What every ended job has in common: nobody works on it, nobody waits for it, its slot is free.
ENDED: Final[Mapping[str, Any]] = {
    "stage": Stage.DONE,
    "lease_token": None,
    "next_run_at": None,
    "active_slot": None,
}


def failed_values(
    reason: FailureReason, detail: str | None, *, now: ColumnElement[datetime], retention: timedelta
) -> Mapping[str, Any]:
    """The values of a row that has failed."""
    return {
        "status": JobStatus.FAILED,
        "error_code": reason,
        "error_detail": detail,
        "completed_at": now,
        "expires_at": now + retention,
        **ENDED,
    }


def takes_of(stored: Mapping[str, str]) -> Mapping[int, str]:
    """The takes of a row: turn index → name of the take."""
    return {int(index): take for index, take in stored.items()}
