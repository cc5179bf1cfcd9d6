"""Lists of jobs, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import Mock
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from storage import list_store
from storage.job_store import JobStore
from storage.jobs import LOCAL_USER_ID, FailureReason
from storage.list_store import JobPage
from storage.rules import JobRules
from storage.stages import JobStatus, Stage
from storage.stores import Stores
from tests.integration.conftest import claimed, delivered
from tests.samples import script


@pytest.fixture
def store(engine: Engine) -> JobStore:
    """For a user who may have more than three jobs."""
    return JobStore(engine, replace(JobRules(), max_active_jobs=100))


def ids(page: JobPage) -> Sequence[UUID]:
    return [job.id for job in page.items]


def test_a_list_is_newest_first_in_pages_and_the_users_own(stores: Stores, store: JobStore, another_user: UUID) -> None:
    submitted = [store.submit(LOCAL_USER_ID, script()).id for _ in range(5)]
    store.submit(another_user, script())
    store.cancel(LOCAL_USER_ID, submitted[0])
    page = stores.lists.page

    everything = page(LOCAL_USER_ID, limit=100)
    assert ids(everything) == submitted[::-1]
    assert (everything.total, everything.total_is_exact, everything.goes_on_after) == (5, True, None)
    assert ids(page(LOCAL_USER_ID, limit=2, offset=1)) == [submitted[3], submitted[2]]
    assert ids(page(LOCAL_USER_ID, status=JobStatus.CANCELLED, limit=9)) == [submitted[0]]
    beyond = page(LOCAL_USER_ID, status=JobStatus.PENDING, limit=1, offset=99)
    assert (beyond.items, beyond.total, beyond.goes_on_after) == ([], 4, None)


def test_a_page_goes_on_where_the_one_before_ended_whatever_comes_or_goes_meanwhile(
    stores: Stores, store: JobStore, engine: Engine
) -> None:
    submitted = [store.submit(LOCAL_USER_ID, script()).id for _ in range(5)]
    first = stores.lists.page(LOCAL_USER_ID, limit=2)
    store.submit(LOCAL_USER_ID, script())
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": first.goes_on_after})

    second = stores.lists.page(LOCAL_USER_ID, limit=2, after=first.goes_on_after)
    last = stores.lists.page(LOCAL_USER_ID, limit=2, after=second.goes_on_after)

    assert [*ids(first), *ids(second), *ids(last)] == submitted[::-1]
    assert last.goes_on_after is None


def test_jobs_are_counted_no_further_than_is_useful(
    stores: Stores, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_store, "MOST_COUNTED", 3)

    def total() -> tuple[int, bool]:
        page = stores.lists.page(LOCAL_USER_ID, limit=1)
        return page.total, page.total_is_exact

    for _ in range(3):
        store.submit(LOCAL_USER_ID, script())
    assert total() == (3, True)
    store.submit(LOCAL_USER_ID, script())
    assert total() == (3, False)


def test_who_has_more_than_is_counted_is_not_counted_again_for_a_while(
    store: JobStore, engine: Engine, another_user: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_store, "MOST_COUNTED", 3)
    now_s = [0.0]
    lists = list_store.ListStore(engine, lambda: now_s[0])
    counting = lists._counted[False]
    counted = Mock(wraps=counting.row)
    monkeypatch.setattr(counting, "row", counted)
    for _ in range(4):
        store.submit(LOCAL_USER_ID, script())
    store.submit(another_user, script())

    def look(user_id: UUID) -> tuple[int, bool, int]:
        page = lists.page(user_id, limit=9)
        return page.total, page.total_is_exact, counted.call_count

    assert [look(LOCAL_USER_ID), look(LOCAL_USER_ID)] == [(3, False, 1), (3, False, 1)]
    assert [look(another_user), look(another_user)] == [(1, True, 2), (1, True, 3)]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM jobs WHERE user_id = :id"), {"id": LOCAL_USER_ID})
    now_s[0] = 61
    assert look(LOCAL_USER_ID) == (0, True, 4)


def test_a_listed_job_says_what_it_is_about_and_how_it_stands(stores: Stores, store: JobStore) -> None:
    done, _ = delivered(stores)
    failed = claimed(stores)
    stores.runs.fail(failed, FailureReason.TIMEOUT)
    long = store.submit(
        LOCAL_USER_ID, script("  Once\nupon   a time " + "x" * 1000, "second"), revised_from=done.job_id
    )

    newest, middle, oldest = stores.lists.page(LOCAL_USER_ID, limit=9).items

    assert newest.title == "Once upon a time " + "x" * 73 + "…"
    assert (newest.stage, newest.turns_done, newest.turns_total) == (Stage.QUEUED, 0, 2)
    assert (newest.id, newest.revised_from) == (long.id, done.job_id)
    assert (middle.status, middle.error_code, middle.duration_ms) == (JobStatus.FAILED, FailureReason.TIMEOUT, None)
    assert (oldest.status, oldest.title) == (JobStatus.COMPLETED, done.script.turns[0].text)
