"""Segments: found again by what was spoken, on a real PostgreSQL."""

from __future__ import annotations

from uuid import UUID

from storage.jobs import LOCAL_USER_ID, new_id
from storage.segment_store import StoredSegment
from storage.stores import Stores

DIGEST = b"d" * 32


def begin(stores: Stores, key: str, user_id: UUID = LOCAL_USER_ID) -> UUID:
    segment_id = new_id()
    stores.segments.begin_upload(user_id, segment_id, DIGEST, key)
    return segment_id


def test_a_segment_is_found_once_its_object_is_there(stores: Stores) -> None:
    segment_id = begin(stores, "one")
    assert stores.segments.find(LOCAL_USER_ID, [DIGEST]) == {}

    assert stores.segments.finish_upload(segment_id) == segment_id

    assert stores.segments.find(LOCAL_USER_ID, [DIGEST, b"x" * 32]) == {DIGEST: StoredSegment(segment_id, "one")}


def test_a_segment_is_its_users_own(stores: Stores, another_user: UUID) -> None:
    stores.segments.finish_upload(begin(stores, "one"))

    assert stores.segments.find(another_user, [DIGEST]) == {}


def test_of_two_that_spoke_the_same_the_first_stored_counts(stores: Stores) -> None:
    first, second = begin(stores, "first"), begin(stores, "second")
    stores.segments.finish_upload(first)

    assert stores.segments.finish_upload(second) == first

    assert stores.segments.find(LOCAL_USER_ID, [DIGEST]) == {DIGEST: StoredSegment(first, "first")}
    assert [remains.object_key for remains in stores.sweeps.expired_segments(limit=9)] == ["second"]


def test_a_finish_whose_answer_was_lost_may_be_said_again(stores: Stores) -> None:
    segment_id = begin(stores, "one")

    assert [stores.segments.finish_upload(segment_id) for _ in range(2)] == [segment_id] * 2


def test_an_upload_that_was_given_up_is_not_used(stores: Stores) -> None:
    from_dead = begin(stores, "one")
    stores.sweeps.forget_segment(from_dead)  # not expired yet: nothing happens
    assert stores.segments.finish_upload(from_dead) == from_dead

    assert stores.segments.finish_upload(new_id()) is None
