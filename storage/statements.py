"""What the statements of several stores have in common: the clock, and the values of a row that has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, any_, func

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


def free_among(column: ColumnElement[UUID], ids: Select[tuple[UUID]]) -> ColumnElement[bool]:
    """Whether a row is one of these that no other session holds; they are locked. A row that is held is not waited for.

    An array is worked out once. PostgreSQL may look for the rows of `IN` again and again, and lock more each time.
    """
    return column == any_(func.array(ids.with_for_update(skip_locked=True).scalar_subquery()))


def takes_of(stored: Mapping[str, str]) -> Mapping[int, str]:
    """The takes of a row: turn index → name of the take."""
    return {int(index): take for index, take in stored.items()}
