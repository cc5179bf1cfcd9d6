"""The stage that the guide adds: a job goes through it, in its place."""

from __future__ import annotations

from actors.queue.worker import STORIES
from actors.review import review
from storage.stages import QUEUES, WORK, JobStatus, Stage
from storage.stores import Stores
from tests.integration.studio import rehearsal
from tests.samples import script


def test_a_job_is_reviewed_before_it_is_joined(stores: Stores) -> None:
    with rehearsal(stores) as stage:
        job_id = stage.submit(script("one", "two", provider="openai"))
        stage.synthesize(job_id)

        assert stage.published == [(job_id, Stage.REVIEWING)]
        stage.assemble(job_id)
        assert stage.job(job_id).stage is Stage.REVIEWING, "it is not joined before"
        assert stores.sweeps.due(overdue_s=-1, republish_s=0, limit=9) == [(job_id, Stage.REVIEWING)]

        stage._work_on(job_id, Stage.REVIEWING, review)
        assert stage.published[-1] == (job_id, Stage.ASSEMBLING)
        stage.assemble(job_id)
        assert stage.job(job_id).status is JobStatus.COMPLETED


def test_workers_know_it() -> None:
    assert STORIES.keys() == WORK.keys()
    assert QUEUES == ("synthesis", "review", "assembly")
