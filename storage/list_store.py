"""ListStore: a user's jobs, newest first, a page at a time, in the same few milliseconds however many there are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    and_,
    bindparam,
    cast,
    func,
    select,
)

from storage.engine import reading
from storage.jobs import FailureReason, ListedJob, title_of
from storage.prepared import Prepared, given
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
        #: By whether jobs of one status are wanted, and whether a page begins after a job.
        self._pages = {
            (status, after): Prepared(_page(status, after)) for status in (False, True) for after in (False, True)
        }
        self._counted = {status: Prepared(_counted(status)) for status in (False, True)}

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
        of_status, of_depth = status is not None, after is not None
        given_values = {"user_id": user_id, "status": status, "after": after}
        with reading(self._engine) as connection:
            total = self._count(connection, user_id, status)
            rows = self._pages[of_status, of_depth].rows(connection, **given_values, most=limit + 1, passed_over=offset)
        items = [_listed(row) for row in rows]
        return JobPage(
            items=items[:limit],
            total=min(total, MOST_COUNTED),
            total_is_exact=total <= MOST_COUNTED,
            goes_on_after=items[limit - 1].id if len(items) > limit else None,
        )

    def _count(self, connection: Connection, user_id: UUID, status: JobStatus | None) -> int:
        """How many there are, to one beyond `MOST_COUNTED`."""
        which = (user_id, status)
        if self._clock() < self._uncounted.get(which, 0):
            return MOST_COUNTED + 1
        count = self._counted[status is not None]
        total: int
        (total,) = count.row(connection, user_id=user_id, status=status) or (0,)
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


def _mine(of_status: bool) -> ColumnElement[bool]:
    mine = jobs.c.user_id == given("user_id", jobs.c.user_id)
    return and_(mine, jobs.c.status == given("status", jobs.c.status)) if of_status else mine


def _page(of_status: bool, of_depth: bool) -> Select[Any]:
    # Ids sort by creation. They alone are looked through, in the index: what is passed over is not read.
    ids = select(jobs.c.id).where(_mine(of_status)).order_by(jobs.c.id.desc())
    if of_depth:
        ids = ids.where(jobs.c.id < given("after", jobs.c.id))
    most, passed_over = (bindparam(name, 0, type_=BigInteger) for name in ("most", "passed_over"))
    wanted = ids.limit(most).offset(passed_over).subquery()
    return select(*_COLUMNS).join(wanted, wanted.c.id == jobs.c.id).order_by(jobs.c.id.desc())


def _counted(of_status: bool) -> Select[Any]:
    mine = select(jobs.c.id).where(_mine(of_status)).limit(MOST_COUNTED + 1).subquery()
    return select(func.count()).select_from(mine)


def _listed(row: Sequence[Any]) -> ListedJob:
    """`row`: as `_COLUMNS` are."""
    values: dict[str, Any] = dict(zip(ListedJob.__dataclass_fields__, row, strict=True))
    values["status"] = JobStatus(values["status"])
    values["stage"] = Stage(values["stage"])
    values["title"] = title_of(values["title"] or "")
    if values["error_code"] is not None:
        values["error_code"] = FailureReason(values["error_code"])
    return ListedJob(**values)
