"""JobStore: what users do with jobs. Every move is one method and one guarded statement.

A guard that matches no row means that another transaction came first; the method says so and has changed nothing.
The database's clock is the only one that is asked, so that no two machines can disagree about what is due.
Lists of them are in `list_store.py`; what a worker does with a job is in `run_store.py`, what the scheduler does in
`sweep_store.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Row,
    Select,
    and_,
    bindparam,
    case,
    cast,
    extract,
    func,
    insert,
    select,
    update,
)

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
from storage.rules import JobRules
from storage.stages import ACTIVE, JobStatus, Stage
from storage.statements import ENDED, Clock, database_clock, takes_of
from storage.tables import audio_files, jobs


class JobStore:
    """Jobs in PostgreSQL. One instance may be shared by threads."""

    def __init__(self, engine: Engine, rules: JobRules, clock: Clock = database_clock) -> None:
        self._engine = engine
        self._rules = rules
        self._now = clock

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
            earlier = self._find_by_key(connection, user_id, idempotency_key)
            if earlier is None:
                return self._accept(connection, user_id, script, {"idempotency_key": idempotency_key}), True
            # What was asked is compared itself, read by today's rules: a field that came since, with its default, makes
            # no other request of an old one.
            if Script.from_json(earlier.input_params) != script:
                raise IdempotencyKeyReused(idempotency_key)
            return self._get(connection, user_id, earlier.id), False

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

    @staticmethod
    def _lock(connection: Connection, user_id: UUID) -> None:
        # A statement of its own: the next one must see what the last holder of the lock has committed.
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(user_id), 0))))

    def _accept(self, connection: Connection, user_id: UUID, script: Script, more: Mapping[str, Any]) -> Job:
        values = {
            "id": new_id(),
            "user_id": user_id,
            "job_type": JOB_TYPE,
            "provider": script.provider,
            "input_params": script.as_json(),
            "status": JobStatus.PENDING,
            "stage": Stage.QUEUED,
            "turns_total": len(script.turns),
            **more,
        }
        accepted = self._insert_in_free_slot(user_id, values).returning(*_JOB_COLUMNS, self._elapsed_ms())
        row = connection.execute(accepted).one_or_none()
        if row is None:
            raise JobLimitExceeded(self._count_active_of(connection, user_id), self._rules.max_active_jobs)
        return _job(row)

    def _insert_in_free_slot(self, user_id: UUID, values: Mapping[str, Any]) -> Insert:
        """Insert a due job into the lowest free slot of its user; nothing when none is free."""
        slot = func.generate_series(1, self._rules.max_active_jobs).column_valued("slot")
        taken = select(jobs.c.id).where(
            jobs.c.user_id == user_id, jobs.c.status.in_(ACTIVE), jobs.c.active_slot == slot
        )
        free = select(func.min(slot).label("slot")).where(~taken.exists()).subquery()
        given = [bindparam(None, value, type_=jobs.c[name].type) for name, value in values.items()]
        row = select(*given, self._now(), self._now(), free.c.slot).where(free.c.slot.is_not(None))
        return insert(jobs).from_select([*values, "created_at", "next_run_at", "active_slot"], row)

    def _select_job(self, *more: ColumnElement[Any]) -> Select[Any]:
        return select(*_JOB_COLUMNS, self._elapsed_ms(), *more)

    def _elapsed_ms(self) -> ColumnElement[int]:
        until = func.coalesce(jobs.c.completed_at, self._now())
        # More than 31 bits: a job may be found where it was left, weeks after its machine was switched off. Nor below
        # 0: the clock may have been set back.
        elapsed_ms = cast(extract("epoch", until - jobs.c.started_at) * 1000, BigInteger)
        return case((jobs.c.started_at.is_not(None), func.greatest(elapsed_ms, 0))).label("elapsed_ms")

    def _get(self, connection: Connection, user_id: UUID, job_id: UUID) -> Job:
        row = connection.execute(self._select_job().where(_of_user(user_id, job_id))).one_or_none()
        if row is None:
            raise JobNotFound(job_id)
        return _job(row)

    def _get_all(self, user_id: UUID, job_id: UUID) -> tuple[Job, Script, Mapping[int, str]]:
        query = self._select_job(jobs.c.input_params, jobs.c.takes).where(_of_user(user_id, job_id))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise JobNotFound(job_id)
        return _job(row), Script.from_json(row.input_params), takes_of(row.takes)

    @staticmethod
    def _find_by_key(connection: Connection, user_id: UUID, key: str) -> Row[Any, Any] | None:
        return connection.execute(
            select(jobs.c.id, jobs.c.input_params).where(jobs.c.user_id == user_id, jobs.c.idempotency_key == key)
        ).one_or_none()

    @staticmethod
    def _count_active_of(connection: Connection, user_id: UUID) -> int:
        mine = and_(jobs.c.user_id == user_id, jobs.c.status.in_(ACTIVE))
        return connection.execute(select(func.count()).select_from(jobs).where(mine)).scalar_one()


_JOB_COLUMNS: Final = tuple(jobs.c[name] for name in Job.__dataclass_fields__ if name != "elapsed_ms")


def _of_user(user_id: UUID, job_id: UUID) -> ColumnElement[bool]:
    return and_(jobs.c.user_id == user_id, jobs.c.id == job_id)


def _job(row: Row[Any]) -> Job:
    values: dict[str, Any] = {name: getattr(row, name) for name in Job.__dataclass_fields__}
    values["status"] = JobStatus(row.status)
    values["stage"] = Stage(row.stage)
    values["error_code"] = FailureReason(row.error_code) if row.error_code is not None else None
    return Job(**values)
