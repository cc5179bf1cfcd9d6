"""The words of a job, to be read aloud by people."""

from __future__ import annotations

from litestar import MediaType, get
from litestar.params import FromPath

from service.http.messages import ErrorCode
from service.http.operation import TEXT, Answer, Operation
from service.resources import Caller, ResourcesDep
from service.routes.job_id import JOB_ID, parse_job_id


@get(
    "/jobs/{job_id:str}/recital",
    sync_to_thread=True,
    media_type=MediaType.TEXT,
    operation=Operation({200: Answer("A line a turn", {"text/plain": TEXT})}, [ErrorCode.JOB_NOT_FOUND], [JOB_ID]),
)
def read_recital(resources: ResourcesDep, user_id: Caller, job_id: FromPath[str]) -> str:
    """Who says what, in the order of speaking."""
    _, script = resources.stores.jobs.get_with_script(user_id, parse_job_id(job_id))
    return "".join(f"{turn.speaker}: {turn.text}\n" for turn in script.turns)
