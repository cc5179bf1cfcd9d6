"""JobStore: what users do with jobs. Every move is one method and one guarded statement.

A guard that matches no row means that another transaction came first; the method says so and has changed nothing.
The database's clock is the only one that is asked, so that no two machines can disagree about what is due.
Lists of them are in `list_store.py`; what a worker does with a job is in `run_store.py`, what the scheduler does in
`sweep_store.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    case,
    cast,
    extract,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert

from storage.engine import reading, require_writable, transaction
from storage.jobs import (
    JOB_TYPE,
    AudioFile,
    FailureReason,
    IdempotencyKeyReused,
    Job,
    JobCannotCancel,
    JobCannotResubmit,
    JobCannotRevise,
    JobLimitExceeded,
    JobNotFound,
    Script,
    new_id,
)
from storage.prepared import Prepared, given
from storage.rules import JobRules
from storage.stages import ACTIVE, JobStatus, Stage
from storage.statements import ENDED, Clock, database_clock, takes_of
from storage.tables import audio_files, jobs, users

#: By how many jobs, and how old ones at most, it is told how long a job waits.
_NEWEST: Final = 50
_RECENT: Final = timedelta(minutes=10)


class JobStore:
    """Jobs in PostgreSQL. One instance may be shared by threads."""

    def __init__(self, engine: Engine, rules: JobRules, clock: Clock = database_clock) -> None:
        self._engine = engine
        self._rules = rules
        self._now = clock
        mine = and_(jobs.c.user_id == given("user_id", jobs.c.user_id), jobs.c.id == given("job_id", jobs.c.id))
        of_user = jobs.c.user_id == given("user_id", jobs.c.user_id)
        self._lock_user = Prepared(
            select(func.pg_advisory_xact_lock(func.hashtextextended(given("user", users.c.name), 0)))
        )
        self._insert_in_free_slot = Prepared(self._inserting_in_free_slot(given("user_id", jobs.c.user_id)))
        self._select = Prepared(self._select_job().where(mine))
        self._select_all = Prepared(self._select_job(jobs.c.input_params, jobs.c.takes).where(mine))
        by_key = of_user & (jobs.c.idempotency_key == given("key", jobs.c.idempotency_key))
        self._find_by_key = Prepared(select(jobs.c.id, jobs.c.input_params).where(by_key))
        self._count_active_of = Prepared(
            select(func.count()).select_from(jobs).where(of_user, jobs.c.status.in_(ACTIVE))
        )

    def submit(
        self,
        user_id: UUID,
        script: Script,
        *,
        takes: Mapping[int, str] | None = None,
        resubmitted_from: UUID | None = None,
        revised_from: UUID | None = None,
    ) -> Job:
        """Accept a job.

        `takes`: the turns that are not to sound as before, each with a name for its new take.

        Raises:
            JobLimitExceeded: the user has as many active jobs as is allowed.
        """
        origin = {
            "takes": {str(index): take for index, take in (takes or {}).items()},
            "resubmitted_from": resubmitted_from,
            "revised_from": revised_from,
        }
        with transaction(self._engine) as connection:
            self._lock(connection, user_id)
            return self._accept(connection, user_id, script, origin)

    def submit_once(self, user_id: UUID, script: Script, idempotency_key: str) -> tuple[Job, bool]:
        """Accept a job, or give back the one that was accepted under the same key; and whether it is new.

        Raises:
            JobLimitExceeded: as for `submit`.
            IdempotencyKeyReused: the key came before, with another script.
        """
        with transaction(self._engine) as connection:
            self._lock(connection, user_id)
            earlier = self._find_by_key.row(connection, user_id=user_id, key=idempotency_key)
            if earlier is None:
                return self._accept(connection, user_id, script, {"idempotency_key": idempotency_key}), True
            job_id, input_params = earlier
            # What was asked is compared itself, read by today's rules: a field that came since, with its default, makes
            # no other request of an old one.
            if Script.from_json(input_params) != script:
                raise IdempotencyKeyReused(idempotency_key)
            return self._get(connection, user_id, job_id), False

    def get(self, user_id: UUID, job_id: UUID) -> Job:
        """A job of this user.

        Raises:
            JobNotFound: there is none with this id, or it is another user's.
        """
        with reading(self._engine) as connection:
            return self._get(connection, user_id, job_id)

    def get_with_script(self, user_id: UUID, job_id: UUID) -> tuple[Job, Script]:
        """A job of this user and what it was asked to do.

        Raises:
            JobNotFound: as for `get`.
        """
        job, script, _ = self._get_all(user_id, job_id)
        return job, script

    def audio_file(self, job: Job) -> AudioFile | None:
        """The result of a completed job; None when it is gone."""
        query = select(audio_files).where(audio_files.c.id == job.audio_file_id, audio_files.c.state == "stored")
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return AudioFile(
            id=row.id,
            job_id=row.job_id,
            object_key=row.object_key,
            content_type=row.content_type,
            size_bytes=row.size_bytes,
            duration_ms=row.duration_ms,
        )

    def peaks(self, audio: AudioFile) -> bytes:
        """The waveform of a result, as it was handed to `RunStore.complete`; empty for one that has none."""
        query = select(audio_files.c.peaks).where(audio_files.c.id == audio.id)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one_or_none() or b""

    def cancel(self, user_id: UUID, job_id: UUID) -> Job:
        """Take a job back before anybody has begun with it.

        Raises:
            JobNotFound: as for `get`.
            JobCannotCancel: it is not pending.
        """
        with transaction(self._engine) as connection:
            cancelled = connection.execute(
                update(jobs)
                .where(_of_user(user_id, job_id), jobs.c.status == JobStatus.PENDING)
                .values(
                    status=JobStatus.CANCELLED,
                    completed_at=self._now(),
                    expires_at=self._now() + self._rules.cancelled_retention,
                    **ENDED,
                )
            )
            job = self._get(connection, user_id, job_id)
        if cancelled.rowcount != 1:
            raise JobCannotCancel(job.status)
        return job

    def resubmit(self, user_id: UUID, job_id: UUID) -> Job:
        """A new job with the input of a failed or cancelled one.

        Raises:
            JobNotFound: as for `get`.
            JobCannotResubmit: it is neither failed nor cancelled.
            JobLimitExceeded: as for `submit`.
        """
        job, script, takes = self._get_all(user_id, job_id)
        if job.status not in {JobStatus.FAILED, JobStatus.CANCELLED}:
            raise JobCannotResubmit(job.status)
        return self.submit(user_id, script, takes=takes, resubmitted_from=job.id)

    def to_revise(self, user_id: UUID, job_id: UUID) -> tuple[Script, Mapping[int, str]]:
        """What a completed or failed job was asked to do, and its takes. Neither changes any more.

        Raises:
            JobNotFound: as for `get`.
            JobCannotRevise: it is neither completed nor failed.
        """
        job, script, takes = self._get_all(user_id, job_id)
        if job.status not in {JobStatus.COMPLETED, JobStatus.FAILED}:
            raise JobCannotRevise(job.status)
        return script, takes

    def active_of(self, user_id: UUID) -> int:
        """How many jobs of a user are under way."""
        with reading(self._engine) as connection:
            (current,) = self._count_active_of.row(connection, user_id=user_id) or (0,)
        return current

    def recent_wait_ms(self) -> int:
        """How long the jobs of the last minutes waited until they were begun, or are waiting now: the middle one of
        the newest; 0 where there was none."""
        newest = select(jobs.c.created_at, jobs.c.started_at, jobs.c.status).order_by(jobs.c.id.desc()).limit(_NEWEST)
        recent = newest.subquery()
        waited = func.coalesce(recent.c.started_at, self._now()) - recent.c.created_at
        middle = func.percentile_cont(0.5).within_group(extract("epoch", waited))
        query = select(middle).where(
            recent.c.created_at > self._now() - _RECENT, recent.c.status != JobStatus.CANCELLED
        )
        with reading(self._engine) as connection:
            return max(0, round(float(connection.execute(query).scalar_one() or 0) * 1000))

    def count_active(self) -> Mapping[Stage, int]:
        """How many jobs of all users are under way, by stage; a stage without any is left out."""
        # As the partial index on slots is guarded: it holds just these rows.
        active = and_(jobs.c.status.in_(ACTIVE), jobs.c.active_slot.is_not(None))
        query = select(jobs.c.stage, func.count()).where(active).group_by(jobs.c.stage)
        with reading(self._engine) as connection:
            return {Stage(stage): count for stage, count in connection.execute(query)}

    def check(self) -> None:
        """Whether the database can be reached, and written.

        Raises:
            DatabaseUnavailable: it cannot.
        """
        with reading(self._engine) as connection:
            require_writable(connection)

    def mark_published(self, job_ids: Sequence[UUID]) -> None:
        """The broker has taken a message for each of these jobs; the scheduler need not send another soon."""
        fresh = and_(jobs.c.id.in_(job_ids), jobs.c.next_run_at.is_not(None))
        with transaction(self._engine) as connection:
            connection.execute(update(jobs).where(fresh).values(last_published_at=self._now()))

    def _lock(self, connection: Connection, user_id: UUID) -> None:
        # A statement of its own: the next one must see what the last holder of the lock has committed.
        self._lock_user.row(connection, user=str(user_id))

    def _accept(self, connection: Connection, user_id: UUID, script: Script, more: Mapping[str, Any]) -> Job:
        row = self._insert_in_free_slot.row(
            connection,
            id=new_id(),
            user_id=user_id,
            provider=script.provider,
            input_params=script.as_json(),
            turns_total=len(script.turns),
            **{"takes": {}, **more},
        )
        if row is None:
            (current,) = self._count_active_of.row(connection, user_id=user_id) or (0,)
            raise JobLimitExceeded(current, self._rules.max_active_jobs)
        return _job(row)

    def _inserting_in_free_slot(self, user_id: ColumnElement[UUID]) -> ReturningInsert[Any]:
        """Insert a due job into the lowest free slot of this user; nothing when none is free."""
        slot = func.generate_series(1, self._rules.max_active_jobs).column_valued("slot")
        taken = select(jobs.c.id).where(
            jobs.c.user_id == user_id, jobs.c.status.in_(ACTIVE), jobs.c.active_slot == slot
        )
        free = select(func.min(slot).label("slot")).where(~taken.exists()).subquery()
        values = {
            **{name: given(name, jobs.c[name]) for name in _GIVEN},
            "user_id": given("user_id", jobs.c.user_id),
            "job_type": literal(JOB_TYPE),
            "status": literal(JobStatus.PENDING, jobs.c.status.type),
            "stage": literal(Stage.QUEUED, jobs.c.stage.type),
            "created_at": self._now(),
            "next_run_at": self._now(),
            "active_slot": free.c.slot,
        }
        row = select(*values.values()).where(free.c.slot.is_not(None))
        return insert(jobs).from_select([*values], row).returning(*_JOB_COLUMNS, self._elapsed_ms())

    def _select_job(self, *more: ColumnElement[Any]) -> Select[Any]:
        return select(*_JOB_COLUMNS, self._elapsed_ms(), *more)

    def _elapsed_ms(self) -> ColumnElement[int]:
        until = func.coalesce(jobs.c.completed_at, self._now())
        # More than 31 bits: a job may be found where it was left, weeks after its machine was switched off. Nor below
        # 0: the clock may have been set back.
        elapsed_ms = cast(extract("epoch", until - jobs.c.started_at) * 1000, BigInteger)
        return case((jobs.c.started_at.is_not(None), func.greatest(elapsed_ms, 0))).label("elapsed_ms")

    def _get(self, connection: Connection, user_id: UUID, job_id: UUID) -> Job:
        row = self._select.row(connection, user_id=user_id, job_id=job_id)
        if row is None:
            raise JobNotFound(job_id)
        return _job(row)

    def _get_all(self, user_id: UUID, job_id: UUID) -> tuple[Job, Script, Mapping[int, str]]:
        with reading(self._engine) as connection:
            row = self._select_all.row(connection, user_id=user_id, job_id=job_id)
        if row is None:
            raise JobNotFound(job_id)
        *of_job, input_params, takes = row
        return _job(of_job), Script.from_json(input_params), takes_of(takes)


_JOB_COLUMNS: Final = tuple(jobs.c[name] for name in Job.__dataclass_fields__ if name != "elapsed_ms")


#: What is said of a new job beside its user; the rest is the same for all.
_GIVEN: Final = (
    "id",
    "provider",
    "input_params",
    "turns_total",
    "takes",
    "idempotency_key",
    "resubmitted_from",
    "revised_from",
)


def _of_user(user_id: UUID, job_id: UUID) -> ColumnElement[bool]:
    return and_(jobs.c.user_id == user_id, jobs.c.id == job_id)


def _job(row: Sequence[Any]) -> Job:
    """`row`: as `_JOB_COLUMNS` and the elapsed time are, in the order of `Job`."""
    values: dict[str, Any] = dict(zip(Job.__dataclass_fields__, row, strict=True))
    values["status"] = JobStatus(values["status"])
    values["stage"] = Stage(values["stage"])
    if values["error_code"] is not None:
        values["error_code"] = FailureReason(values["error_code"])
    return Job(**values)
