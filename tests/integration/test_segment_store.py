"""Segments: found again by what was spoken, and spoken by one at a time, on a real PostgreSQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from storage.jobs import LOCAL_USER_ID, Claim, FailureReason, new_id
from storage.retention_store import RetentionStore
from storage.segment_store import SegmentIntent, StoredSegment
from storage.stores import Stores
from storage.tables import segments
from tests.integration.conftest import claimed, later

DIGEST = b"d" * 32


def intent(key: str, user_id: UUID | None = LOCAL_USER_ID) -> SegmentIntent:
    return SegmentIntent(new_id(), user_id, DIGEST, key)


def begin(stores: Stores, key: str, user_id: UUID | None = LOCAL_USER_ID, owner: Claim | None = None) -> UUID:
    """The id of a segment that is being spoken."""
    wanted = intent(key, user_id)
    assert stores.segments.claim(wanted, owner)
    return wanted.id


def state_of(engine: Engine, segment_id: UUID) -> str:
    with engine.connect() as connection:
        return connection.execute(select(segments.c.state).where(segments.c.id == segment_id)).scalar_one()


def test_a_segment_is_found_once_its_object_is_there(stores: Stores) -> None:
    segment_id = begin(stores, "one")
    assert stores.segments.find(LOCAL_USER_ID, [DIGEST]) == {}

    assert stores.segments.finish_upload(segment_id) == segment_id

    assert stores.segments.find(LOCAL_USER_ID, [DIGEST, b"x" * 32]) == {DIGEST: StoredSegment(segment_id, "one")}


def test_a_segment_is_its_users_own(stores: Stores, another_user: UUID) -> None:
    stores.segments.finish_upload(begin(stores, "one"))

    assert stores.segments.find(another_user, [DIGEST]) == {}
    assert stores.segments.claim(intent("theirs", another_user), None)


def test_what_one_is_speaking_nobody_else_speaks(stores: Stores) -> None:
    owner, other = claimed(stores), claimed(stores)
    segment_id = begin(stores, "one", owner=owner)

    assert not stores.segments.claim(intent("two"), other)
    stores.segments.finish_upload(segment_id)
    assert not stores.segments.claim(intent("two"), other)


def test_of_many_who_claim_at_once_one_speaks(stores: Stores) -> None:
    owner = claimed(stores)
    together = threading.Barrier(8)

    def claim(number: int) -> bool:
        together.wait()
        return stores.segments.claim(intent(str(number)), owner)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


@pytest.mark.parametrize("end", ["died", "waits to try again", "gave up"])
def test_what_its_owner_left_is_taken_over(stores: Stores, engine: Engine, end: str) -> None:
    owner, other = claimed(stores), claimed(stores)
    left = begin(stores, "left", owner=owner)
    match end:
        case "died":
            stores.runs.fail(owner, FailureReason.SYSTEM_INTERRUPTED)
        case "waits to try again":
            stores.runs.retry(owner, delay_s=5)
        case _:
            stores.segments.abandon(left)

    taken = begin(stores, "taken", owner=other)

    assert state_of(engine, left) == "abandoned"
    assert not stores.segments.claim(intent("third"), owner)
    assert stores.segments.finish_upload(taken) == taken


def test_of_many_who_take_over_at_once_one_speaks(stores: Stores) -> None:
    dead, alive = claimed(stores), claimed(stores)
    begin(stores, "left", owner=dead)
    stores.runs.fail(dead, FailureReason.SYSTEM_INTERRUPTED)
    together = threading.Barrier(8)

    def claim(number: int) -> bool:
        together.wait()
        return stores.segments.claim(intent(str(number)), alive)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


def test_who_was_taken_over_and_comes_back_uses_what_was_stored_meanwhile(stores: Stores, engine: Engine) -> None:
    stopped, other = claimed(stores), claimed(stores)
    old = begin(stores, "old", owner=stopped)
    stores.runs.fail(stopped, FailureReason.SYSTEM_INTERRUPTED)
    new = begin(stores, "new", owner=other)

    assert stores.segments.finish_upload(old) is None
    stores.segments.finish_upload(new)
    assert stores.segments.finish_upload(old) == new

    assert stores.segments.find(LOCAL_USER_ID, [DIGEST]) == {DIGEST: StoredSegment(new, "new")}
    assert state_of(engine, old) == "abandoned"


def test_what_was_abandoned_is_kept_until_no_byte_of_it_can_arrive(stores: Stores) -> None:
    abandoned = begin(stores, "abandoned")
    stores.segments.abandon(abandoned)

    def doomed_after(delta: timedelta) -> list[str]:
        ahead = RetentionStore(stores.engine, later(delta))
        batches = ahead.doomed_segments(unused_for=timedelta(days=7), abandoned_after=timedelta(minutes=30))
        return [one.object_key for batch in batches for one in batch]

    assert doomed_after(timedelta(minutes=29)) == []
    assert doomed_after(timedelta(minutes=31)) == ["abandoned"]


def test_what_was_said_and_whose_answer_was_lost_may_be_said_again(stores: Stores) -> None:
    wanted = intent("one")

    assert [stores.segments.claim(wanted, None) for _ in range(2)] == [True] * 2
    assert [stores.segments.finish_upload(wanted.id) for _ in range(2)] == [wanted.id] * 2
    stores.segments.abandon(wanted.id)  # too late: it is stored

    assert DIGEST in stores.segments.find(LOCAL_USER_ID, [DIGEST])


def test_an_upload_that_was_given_up_is_not_used(stores: Stores) -> None:
    from_dead = begin(stores, "one")
    stores.retention.forget_segments([from_dead])  # not expired yet: nothing happens
    assert stores.segments.finish_upload(from_dead) == from_dead

    assert stores.segments.finish_upload(new_id()) is None


def test_a_sample_for_all_is_of_no_user(stores: Stores) -> None:
    sample = begin(stores, "sample", user_id=None)

    assert stores.segments.finish_upload(sample) == sample

    assert stores.segments.find(None, [DIGEST]) == {DIGEST: StoredSegment(sample, "sample")}
    assert stores.segments.find(LOCAL_USER_ID, [DIGEST]) == {}
