"""Stores over a database and a bucket of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, Engine, func, insert

from embedded.object_store import ObjectStore
from storage.jobs import LOCAL_USER_ID, Claim, Job, new_id
from storage.run_store import TurnPart
from storage.segment_store import SegmentIntent
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings
from storage.stages import Stage
from storage.stores import Stores
from storage.tables import users
from tests.samples import script


@pytest.fixture
def database(database_url: str) -> DatabaseSettings:
    """Where the test's database is."""
    return DatabaseSettings(database_url=database_url)


@pytest.fixture
def object_store_settings(object_store: ObjectStore, bucket: str) -> ObjectStoreSettings:
    """Where the test's bucket is."""
    return ObjectStoreSettings(
        s3_endpoint_url=object_store.endpoint_url,
        s3_bucket=bucket,
        aws_access_key_id=object_store.access_key_id,
        aws_secret_access_key=object_store.secret_access_key,
    )


@pytest.fixture
def stores(database: DatabaseSettings, object_store_settings: ObjectStoreSettings) -> Iterator[Stores]:
    """All stores, over the test's own database and bucket."""
    made = Stores.make(database, object_store_settings, RuleSettings(), pool_size=50)
    yield made
    made.close()


@pytest.fixture
def engine(stores: Stores) -> Engine:
    """The test's database, for looking behind the stores."""
    return stores.engine


@pytest.fixture
def another_user(engine: Engine) -> UUID:
    """A user beside `local`."""
    user_id = new_id()
    with engine.begin() as connection:
        connection.execute(insert(users).values(id=user_id, name="another"))
    return user_id


def later(delta: timedelta) -> Callable[[], ColumnElement[datetime]]:
    """A clock for a store that is ahead of the database's."""
    return lambda: func.statement_timestamp() + delta


def claimed(stores: Stores, stage: Stage = Stage.SYNTHESIZING) -> Claim:
    """A new job of the local user, claimed; for assembling, with all its turns spoken."""
    job = stores.jobs.submit(LOCAL_USER_ID, script())
    claim = stores.runs.claim(job.id, Stage.SYNTHESIZING)
    assert claim is not None
    if stage == Stage.ASSEMBLING:
        speak_all_turns(stores, claim)
        stores.runs.hand_over(claim)
        claim = stores.runs.claim(job.id, Stage.ASSEMBLING)
        assert claim is not None
    return claim


def speak_all_turns(stores: Stores, claim: Claim) -> None:
    """Give every turn of a job a segment in the database (without an object)."""
    for turn in claim.script.turns:
        segment_id = new_id()
        intent = SegmentIntent(segment_id, claim.user_id, segment_id.bytes * 2, f"segments/{segment_id}")
        assert stores.segments.claim(intent, claim)
        assert stores.segments.finish_upload(segment_id) == segment_id
        stores.runs.record_turns(claim, [TurnPart(turn.index, segment_id, len(turn.text), 0)])


def job_of(stores: Stores, claim: Claim) -> Job:
    """The row behind a claim."""
    return stores.jobs.get(claim.user_id, claim.job_id)


def delivered(stores: Stores) -> tuple[Claim, str]:
    """A completed job, and the key of its audio."""
    claim = claimed(stores, Stage.ASSEMBLING)
    key, file_id = f"audio/{claim.job_id}", new_id()
    stores.runs.begin_upload(claim, file_id, key, "audio/mpeg")
    stores.audio.put(key, b"sound", "audio/mpeg")
    stores.runs.complete(claim, file_id, size_bytes=5, duration_ms=1, metadata={})
    return claim, key
