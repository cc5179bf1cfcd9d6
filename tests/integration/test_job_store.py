"""What users do with jobs, on a real PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import IntegrityError

from storage.jobs import (
    LOCAL_USER_ID,
    IdempotencyKeyReused,
    JobCannotCancel,
    JobCannotResubmit,
    JobLimitExceeded,
    JobNotFound,
    new_id,
)
from storage.stages import JobStatus, Stage
from storage.stores import Stores
from storage.tables import jobs
from tests.integration.conftest import claimed, job_of
from tests.samples import script


def test_a_submitted_job_is_pending_and_due_at_once(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script("一", "二", "三"))

    assert (job.status, job.stage, job.turns_done, job.turns_total) == (JobStatus.PENDING, Stage.QUEUED, 0, 3)
    assert stores.jobs.get(LOCAL_USER_ID, job.id) == job
    assert [due for due, _ in stores.sweeps.due(overdue_s=0, republish_s=30, limit=10)] == [job.id]


def test_a_job_gives_back_the_script_that_it_was_given(stores: Stores) -> None:
    asked = script('A says "hi" & <b>bye</b>', "第二句 🎭", output_format="wav", gap_ms=0)

    job = stores.jobs.submit(LOCAL_USER_ID, asked)

    assert stores.jobs.get_with_script(LOCAL_USER_ID, job.id) == (job, asked)


def test_a_fourth_active_job_is_refused_and_leaves_no_row(stores: Stores, engine: Engine) -> None:
    for _ in range(3):
        stores.jobs.submit(LOCAL_USER_ID, script())

    with pytest.raises(JobLimitExceeded) as refused:
        stores.jobs.submit(LOCAL_USER_ID, script())

    assert (refused.value.current_jobs, refused.value.max_jobs) == (3, 3)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() == 3


def test_another_users_jobs_take_none_of_my_slots(stores: Stores, another_user: UUID) -> None:
    for _ in range(3):
        stores.jobs.submit(another_user, script())

    assert stores.jobs.submit(LOCAL_USER_ID, script()).status == JobStatus.PENDING


def test_an_ended_job_gives_its_slot_back(stores: Stores) -> None:
    submitted = [stores.jobs.submit(LOCAL_USER_ID, script()) for _ in range(3)]
    stores.jobs.cancel(LOCAL_USER_ID, submitted[1].id)

    assert stores.jobs.submit(LOCAL_USER_ID, script()).status == JobStatus.PENDING


def test_of_fifty_simultaneous_submits_exactly_three_are_accepted(stores: Stores) -> None:
    def submit(_: int) -> bool:
        try:
            stores.jobs.submit(LOCAL_USER_ID, script())
        except JobLimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        accepted = list(pool.map(submit, range(50)))

    assert sum(accepted) == 3


def test_the_slot_index_refuses_a_fourth_job_whoever_writes(stores: Stores, engine: Engine) -> None:
    """The database keeps the limit by itself: two jobs in one slot are impossible, and so is one in none."""
    first, second = (stores.jobs.submit(LOCAL_USER_ID, script()) for _ in range(2))
    assert first.id != second.id

    with pytest.raises(IntegrityError, match="jobs_active_slot"), engine.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == second.id).values(active_slot=1))
    with pytest.raises(IntegrityError, match="active_slot"), engine.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == second.id).values(active_slot=None))


def test_without_the_lock_and_the_index_more_than_three_get_in(stores: Stores, engine: Engine) -> None:
    """The negative control: what the test of fifty submits would see if the slots were not guarded."""
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX jobs_active_slot"))
    begun = [engine.connect() for _ in range(4)]
    try:
        for connection in begun:  # each sees the same free slot, for none has committed
            values = {"id": new_id(), "user": LOCAL_USER_ID}
            connection.execute(
                text(
                    "INSERT INTO jobs (id, user_id, job_type, provider, input_params, status, stage, turns_total,"
                    " next_run_at, active_slot) VALUES (:id, :user, 't', 'p', '{}', 'pending', 'queued', 1, now(), 1)"
                ),
                values,
            )
        for connection in begun:
            connection.commit()
    finally:
        for connection in begun:
            connection.close()

    assert stores.lists.page(LOCAL_USER_ID, status=JobStatus.PENDING, limit=10).total == 4


def test_the_same_key_and_script_give_the_same_job(stores: Stores) -> None:
    first, is_new = stores.jobs.submit_once(LOCAL_USER_ID, script(), "k")

    assert is_new
    assert stores.jobs.submit_once(LOCAL_USER_ID, script(), "k") == (first, False)


def test_the_same_key_with_another_script_is_refused(stores: Stores) -> None:
    stores.jobs.submit_once(LOCAL_USER_ID, script(), "k")

    with pytest.raises(IdempotencyKeyReused):
        stores.jobs.submit_once(LOCAL_USER_ID, script("something else"), "k")


def test_a_request_that_was_accepted_before_a_field_came_may_be_sent_again(stores: Stores, engine: Engine) -> None:
    """An upgrade between a lost answer and the honest retry: the row says nothing of what is younger than it."""
    first, _ = stores.jobs.submit_once(LOCAL_USER_ID, script(), "k")
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE jobs SET input_params = input_params - 'normalize', idempotency_fingerprint = 'of that time'")
        )

    assert stores.jobs.submit_once(LOCAL_USER_ID, script(), "k")[0].id == first.id
    with pytest.raises(IdempotencyKeyReused):
        stores.jobs.submit_once(LOCAL_USER_ID, replace(script(), normalize=False), "k")


def test_a_key_is_its_users_own(stores: Stores, another_user: UUID) -> None:
    mine, _ = stores.jobs.submit_once(LOCAL_USER_ID, script(), "k")

    assert stores.jobs.submit_once(another_user, script(), "k")[0].id != mine.id


def test_a_key_that_comes_ten_times_at_once_makes_one_job(stores: Stores) -> None:
    def submit(_: int) -> tuple[UUID, bool]:
        job, is_new = stores.jobs.submit_once(LOCAL_USER_ID, script(), "k")
        return job.id, is_new

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(submit, range(10)))
    assert len({job_id for job_id, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1


def test_another_users_job_looks_like_one_that_does_not_exist(stores: Stores, another_user: UUID) -> None:
    job = stores.jobs.submit(another_user, script())

    for look in (stores.jobs.get, stores.jobs.get_with_script, stores.jobs.cancel, stores.jobs.resubmit):
        with pytest.raises(JobNotFound):
            look(LOCAL_USER_ID, job.id)
        with pytest.raises(JobNotFound):
            look(LOCAL_USER_ID, new_id())
    assert stores.jobs.get(another_user, job.id).status == JobStatus.PENDING


def test_a_pending_job_can_be_cancelled_once(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())

    cancelled = stores.jobs.cancel(LOCAL_USER_ID, job.id)

    assert (cancelled.status, cancelled.stage, cancelled.started_at) == (JobStatus.CANCELLED, Stage.DONE, None)
    assert cancelled.completed_at is not None
    assert cancelled.expires_at is not None
    assert abs(cancelled.expires_at - cancelled.completed_at - timedelta(days=7)) < timedelta(seconds=1)
    with pytest.raises(JobCannotCancel, match="cancelled"):
        stores.jobs.cancel(LOCAL_USER_ID, job.id)


def test_a_job_that_has_begun_cannot_be_cancelled(stores: Stores) -> None:
    claim = claimed(stores)

    with pytest.raises(JobCannotCancel, match="processing"):
        stores.jobs.cancel(LOCAL_USER_ID, claim.job_id)

    assert job_of(stores, claim).status == JobStatus.PROCESSING


def test_a_cancelled_job_is_never_claimed(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    stores.jobs.cancel(LOCAL_USER_ID, job.id)

    assert stores.runs.claim(job.id, Stage.SYNTHESIZING) is None


def test_a_cancelled_job_can_be_resubmitted(stores: Stores) -> None:
    job, _ = stores.jobs.submit_once(LOCAL_USER_ID, script("again"), "k")
    stores.jobs.cancel(LOCAL_USER_ID, job.id)

    again = stores.jobs.resubmit(LOCAL_USER_ID, job.id)

    assert again.id != job.id
    assert again.resubmitted_from == job.id
    assert stores.jobs.get_with_script(LOCAL_USER_ID, again.id)[1] == script("again")


def test_an_active_job_cannot_be_resubmitted(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())

    with pytest.raises(JobCannotResubmit, match="pending"):
        stores.jobs.resubmit(LOCAL_USER_ID, job.id)


def test_a_resubmit_obeys_the_limit(stores: Stores) -> None:
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    stores.jobs.cancel(LOCAL_USER_ID, job.id)
    for _ in range(3):
        stores.jobs.submit(LOCAL_USER_ID, script())

    with pytest.raises(JobLimitExceeded):
        stores.jobs.resubmit(LOCAL_USER_ID, job.id)


def test_ids_sort_by_creation_and_are_of_version_7() -> None:
    made = [new_id() for _ in range(3)]

    assert {(made_id.version, made_id.variant) for made_id in made} == {(7, "specified in RFC 4122")}
    assert new_id().int >> 80 >= made[0].int >> 80
