"""What can go wrong, each with a message that a person can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from client.nouns import Job


class ClientError(Exception):
    """Whatever this client raises."""


class Unreachable(ClientError):
    """The server did not answer, however often it was asked."""


class Refused(ClientError):
    """The server answered with an error.

    `status`: of HTTP. `code`: the server's word for it (`VALIDATION_ERROR`, `JOB_LIMIT_EXCEEDED`, ...).
    `details`: what belongs to the code. `retry_after_s`: when it makes sense to ask again, if ever.
    """

    def __init__(
        self, status: int, code: str, message: str, details: Mapping[str, Any], retry_after_s: float | None
    ) -> None:
        problems = [f"{one['field']}: {one['message']}" for one in details.get("problems", []) if isinstance(one, dict)]
        super().__init__("; ".join([message, *problems]))
        self.status = status
        self.code = code
        self.details = details
        self.retry_after_s = retry_after_s


class JobNotCompleted(ClientError):
    """The job has ended without audio: `job` says how."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.id} has {job.status}: {job.error_message or job.status}")
        self.job = job
