"""The id of a job in the path of its routes."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from service.http.operation import path_parameter
from storage.jobs import JobNotFound

#: For the descriptions of all routes of one job.
JOB_ID: Final = path_parameter("job_id", "the job's id", {"type": "string", "format": "uuid"})


def parse_job_id(text: str) -> UUID:
    """The id in a path.

    Raises:
        JobNotFound: it is not a UUID in its usual form, so no job has it.
    """
    try:
        job_id = UUID(text)
    except ValueError:
        raise JobNotFound(text) from None
    if str(job_id) != text.lower():
        raise JobNotFound(text)
    return job_id
