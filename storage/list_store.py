"""ListStore: a user's jobs, newest first, a page at a time, in the same few milliseconds however many there are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, Integer, Row, and_, cast, func, select

from storage.engine import reading
from storage.jobs import FailureReason, ListedJob, title_of
from storage.stages import JobStatus, Stage
from storage.tables import jobs

#: Jobs are counted so far: counting a million takes longer than showing them.
MOST_COUNTED: Final = 10_000
#: Who was found to have more is not counted again for so long, in seconds: that was most of the time of a list.
_KNOWN_FOR_S: Final = 60.0
#: So many users are known to have more; then all are forgotten.
_KNOWN_AT_MOST: Final = 10_000
#: So many characters of a first turn are read, to make a title of them.
_READ_OF_A_TURN: Final = 500


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of a list. `total`: how many there are, up to `MOST_COUNTED`; then it is not exact.

    `goes_on_after`: the last job of this page, where there are more; None at the end.
    """

    items: Sequence[ListedJob]
    total: int
    total_is_exact: bool
    goes_on_after: UUID | None


class ListStore:
    """Lists of jobs in PostgreSQL. One instance may be shared by threads."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        #: Of which jobs there are more than are counted, and until when that is believed.
        self._uncounted: dict[tuple[UUID, JobStatus | None], float] = {}

    def page(
        self,
        user_id: UUID,
        *,
        status: JobStatus | None = None,
        limit: int,
        offset: int = 0,
        after: UUID | None = None,
    ) -> JobPage:
        """Jobs of this user, newest first: those after the job `after`, `offset` of them passed over.

        `after` takes as long at any depth; `offset`, the longer the more is passed over.
        """
        mine = jobs.c.user_id == user_id
        if status is not None:
            mine = and_(mine, jobs.c.status == status)
        # Ids sort by creation. They alone are looked through, in the index: what is passed over is not read.
        ids = select(jobs.c.id).where(mine).order_by(jobs.c.id.desc())
        if after is not None:
            ids = ids.where(jobs.c.id < after)
        ids = ids.limit(limit + 1).offset(offset).subquery()
        page = select(*_COLUMNS).join(ids, ids.c.id == jobs.c.id).order_by(jobs.c.id.desc())
        with reading(self._engine) as connection:
            total = self._count(connection, mine, (user_id, status))
            items = [_listed(row) for row in connection.execute(page)]
        return JobPage(
            items=items[:limit],
            total=min(total, MOST_COUNTED),
            total_is_exact=total <= MOST_COUNTED,
            goes_on_after=items[limit - 1].id if len(items) > limit else None,
        )

    def _count(self, connection: Connection, mine: ColumnElement[bool], which: tuple[UUID, JobStatus | None]) -> int:
        """How many there are, to one beyond `MOST_COUNTED`."""
        if self._clock() < self._uncounted.get(which, 0):
            return MOST_COUNTED + 1
        counted = select(func.count()).select_from(select(jobs.c.id).where(mine).limit(MOST_COUNTED + 1).subquery())
        total = connection.execute(counted).scalar_one()
        if total > MOST_COUNTED:
            if len(self._uncounted) >= _KNOWN_AT_MOST:
                self._uncounted.clear()
            self._uncounted[which] = self._clock() + _KNOWN_FOR_S
        return total


#: What is worked out here, where it is short: the words and the timings of a thousand turns are not.
_WORKED_OUT: Final[dict[str, ColumnElement[Any]]] = {
    "title": func.left(jobs.c.input_params[("turns", "0", "text")].astext, _READ_OF_A_TURN),
    "duration_ms": cast(jobs.c.result_metadata["duration_ms"].astext, Integer),
}
_COLUMNS: Final = tuple(
    _WORKED_OUT[name].label(name) if name in _WORKED_OUT else jobs.c[name] for name in ListedJob.__dataclass_fields__
)


def _listed(row: Row[Any]) -> ListedJob:
    values: dict[str, Any] = {name: getattr(row, name) for name in ListedJob.__dataclass_fields__}
    values["status"] = JobStatus(row.status)
    values["stage"] = Stage(row.stage)
    values["title"] = title_of(row.title or "")
    values["error_code"] = FailureReason(row.error_code) if row.error_code is not None else None
    return ListedJob(**values)
