"""Jobs: submit, list, look at, cancel, resubmit, revise.

What is valid: `job_request.py`, `revision.py`; the audio: `download.py`; captions and waveform: `timeline.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody

from actors.providers.problem import Language, Problem, Text
from service.http.errors import AnyRequest, InvalidRequest, language_of
from service.http.json_body import read_json
from service.http.messages import ErrorCode as Code
from service.http.messages import failure_message
from service.http.metrics import Metrics, MetricsDep
from service.http.operation import Operation, header, header_parameter, model, query_parameter
from service.requests.cursor import CURSOR_PATTERN, cursor_of, parse_cursor
from service.requests.job_request import script_of
from service.requests.quote import QuoteBody, quote_of
from service.requests.revision import revision_of
from service.requests.schemas import (
    JobDetail,
    JobList,
    JobListItem,
    JobRequest,
    JobResponse,
    ProblemBody,
    Progress,
    ResultMetadata,
    RevisionRequest,
)
from service.requests.warnings import warnings_of
from service.resources import Caller, Resources, ResourcesDep
from service.routes.download import IF_NONE_MATCH, NOT_MODIFIED, is_known
from service.routes.job_id import JOB_ID, parse_job_id
from service.settings import SettingsDep
from storage.jobs import Job, ListedJob, Script
from storage.stages import JobStatus, Stage

#: The largest offset that PostgreSQL takes. Beyond it there are no jobs either.
_LARGEST_OFFSET: Final = 2**63 - 1
_IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]{1,255}")

#: For the descriptions of the routes that make a job.
_LOCATION: Final = {"Location": header("the job's path")}
_ETAG: Final = {"ETag": header("names this state of the job")}


@post(
    "/jobs",
    sync_to_thread=True,
    operation=Operation(
        {201: model("Accepted; the same job again for the same Idempotency-Key", JobResponse, _LOCATION)},
        [
            Code.VALIDATION_ERROR,
            Code.UNKNOWN_PROVIDER,
            Code.PROVIDER_NOT_CONFIGURED,
            Code.PAYLOAD_TOO_LARGE,
            Code.IDEMPOTENCY_KEY_REUSED,
            Code.JOB_LIMIT_EXCEEDED,
        ],
        [
            header_parameter(
                "Idempotency-Key",
                "the client's own name for this request, so that it can be sent again without a second job",
                {"type": "string", "pattern": "^[!-~]{1,255}$"},
            )
        ],
        JobRequest,
    ),
)
def submit_job(
    resources: ResourcesDep, metrics: MetricsDep, user_id: Caller, request: AnyRequest, body: RawBody
) -> Response[JobResponse]:
    """Accept a dialogue to be spoken."""
    idempotency_key = idempotency_key_of(request)
    script = script_of(read_json(request, body), resources.providers, resources.stores.lexicons.all_of(user_id))
    warnings = warnings_of(script, resources.providers, language_of(request))
    if idempotency_key is None:
        return _accepted(resources, metrics, resources.stores.jobs.submit(user_id, script), warnings)
    job, is_new = resources.stores.jobs.submit_once(user_id, script, idempotency_key)
    return _accepted(resources, metrics, job, warnings) if is_new else _created(job, warnings)


@post(
    "/jobs/quote",
    status_code=200,
    sync_to_thread=True,
    operation=Operation(
        {200: model("What it would be", QuoteBody)}, [Code.VALIDATION_ERROR, Code.PAYLOAD_TOO_LARGE], body=JobRequest
    ),
)
def quote_job(
    resources: ResourcesDep, settings: SettingsDep, user_id: Caller, request: AnyRequest, body: RawBody
) -> Response[QuoteBody]:
    """What a dialogue would cost and how long it would be; nothing is spoken or kept."""
    quoted = quote_of(read_json(request, body), resources, settings.prices, user_id, language_of(request))
    return Response(quoted, headers={"Vary": "Accept-Language"})


@get(
    "/jobs",
    sync_to_thread=True,
    operation=Operation(
        {200: model("The page", JobList)},
        [Code.VALIDATION_ERROR],
        [
            query_parameter("status", "only these", {"type": "string", "enum": [s.value for s in JobStatus]}),
            query_parameter("limit", "page size", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
            query_parameter("offset", "how many to pass over", {"type": "integer", "minimum": 0, "default": 0}),
            query_parameter(
                "cursor",
                "the next_cursor of the page before: as quick at any depth",
                {"type": "string", "pattern": CURSOR_PATTERN},
            ),
        ],
    ),
)
def list_jobs(
    resources: ResourcesDep,
    user_id: Caller,
    status: FromQuery[JobStatus | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    offset: Annotated[int, QueryParameter(ge=0)] = 0,
    cursor: FromQuery[str | None] = None,
) -> JobList:
    """A page of the caller's jobs, newest first."""
    after = None if cursor is None else parse_cursor(cursor)
    page = resources.stores.lists.page(
        user_id, status=status, limit=limit, offset=min(offset, _LARGEST_OFFSET), after=after
    )
    return JobList(
        items=[_list_item(job) for job in page.items],
        total=page.total,
        total_is_exact=page.total_is_exact,
        limit=limit,
        offset=offset,
        next_cursor=cursor_of(page.goes_on_after) if page.goes_on_after else None,
    )


@get(
    "/jobs/{job_id:str}",
    sync_to_thread=True,
    operation=Operation(
        {200: model("The job", JobDetail, _ETAG), 304: NOT_MODIFIED}, [Code.JOB_NOT_FOUND], [JOB_ID, IF_NONE_MATCH]
    ),
)
def get_job(
    resources: ResourcesDep, user_id: Caller, request: AnyRequest, job_id: FromPath[str]
) -> Response[JobDetail] | Response[None]:
    """All of a job. Asked for again, only if anything but the time that it has taken is not as it was."""
    job, script = resources.stores.jobs.get_with_script(user_id, parse_job_id(job_id))
    language = language_of(request)
    warnings = warnings_of(script, resources.providers, language)
    detail = job_detail(job, script, warnings, language)
    state = _state_of(detail)
    headers = {"Vary": "Accept-Language", "ETag": f"W/{state}"}
    if is_known(request.headers.get("if-none-match"), state):
        return Response(None, status_code=304, headers=headers)
    return Response(detail, headers=headers)


def _state_of(detail: JobDetail) -> str:
    """Names all that is said of a job, but for the time that goes by."""
    said = detail.model_dump_json(exclude={"elapsed_ms"})
    return f'"{sha256(said.encode()).hexdigest()[:32]}"'


@delete(
    "/jobs/{job_id:str}",
    status_code=200,
    sync_to_thread=True,
    operation=Operation(
        {200: model("The job, now cancelled", JobResponse)}, [Code.JOB_NOT_FOUND, Code.JOB_CANNOT_CANCEL], [JOB_ID]
    ),
)
def cancel_job(resources: ResourcesDep, user_id: Caller, request: AnyRequest, job_id: FromPath[str]) -> JobResponse:
    """Take a pending job back."""
    job = resources.stores.jobs.cancel(user_id, parse_job_id(job_id))
    return job_response(job, _warnings_of(resources, user_id, job, request))


@post(
    "/jobs/{job_id:str}/resubmit",
    sync_to_thread=True,
    operation=Operation(
        {201: model("The new job", JobResponse, _LOCATION)},
        [Code.JOB_NOT_FOUND, Code.JOB_CANNOT_RESUBMIT, Code.JOB_LIMIT_EXCEEDED],
        [JOB_ID],
    ),
)
def resubmit_job(
    resources: ResourcesDep, metrics: MetricsDep, user_id: Caller, request: AnyRequest, job_id: FromPath[str]
) -> Response[JobResponse]:
    """A new job with the input of a failed or cancelled one."""
    job = resources.stores.jobs.resubmit(user_id, parse_job_id(job_id))
    return _accepted(resources, metrics, job, _warnings_of(resources, user_id, job, request))


@post(
    "/jobs/{job_id:str}/revise",
    sync_to_thread=True,
    operation=Operation(
        {201: model("The new job", JobResponse, _LOCATION)},
        [
            Code.VALIDATION_ERROR,
            Code.UNKNOWN_PROVIDER,
            Code.PROVIDER_NOT_CONFIGURED,
            Code.JOB_NOT_FOUND,
            Code.JOB_CANNOT_REVISE,
            Code.PAYLOAD_TOO_LARGE,
            Code.JOB_LIMIT_EXCEEDED,
        ],
        [JOB_ID],
        RevisionRequest,
    ),
)
def revise_job(
    resources: ResourcesDep,
    metrics: MetricsDep,
    user_id: Caller,
    request: AnyRequest,
    job_id: FromPath[str],
    body: RawBody,
) -> Response[JobResponse]:
    """A new job of a completed or failed one, with some of its turns changed or spoken again."""
    earlier = parse_job_id(job_id)
    script, takes = resources.stores.jobs.to_revise(user_id, earlier)
    entries = resources.stores.lexicons.all_of(user_id)
    revision = revision_of(script, takes, read_json(request, body), resources.providers, entries)
    job = resources.stores.jobs.submit(user_id, revision.script, takes=revision.takes, revised_from=earlier)
    return _accepted(resources, metrics, job, warnings_of(revision.script, resources.providers, language_of(request)))


def idempotency_key_of(request: AnyRequest) -> str | None:
    """The `Idempotency-Key` header.

    Raises:
        InvalidRequest: it is not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and _IDEMPOTENCY_KEY.fullmatch(key) is None:
        text = Text("須為 1 到 255 個可見 ASCII 字元", "must be 1 to 255 visible ASCII characters")
        raise InvalidRequest([Problem("Idempotency-Key", text)])
    return key


def _accepted(resources: Resources, metrics: Metrics, job: Job, warnings: list[ProblemBody]) -> Response[JobResponse]:
    resources.publish(job.id)
    metrics.jobs_submitted.inc()
    return _created(job, warnings)


def _created(job: Job, warnings: list[ProblemBody]) -> Response[JobResponse]:
    headers = {"Location": f"/api/v1/jobs/{job.id}", "Vary": "Accept-Language"}
    return Response(job_response(job, warnings), status_code=201, headers=headers)


def _warnings_of(resources: Resources, user_id: UUID, job: Job, request: AnyRequest) -> list[ProblemBody]:
    _, script = resources.stores.jobs.get_with_script(user_id, job.id)
    return warnings_of(script, resources.providers, language_of(request))


def job_response(job: Job, warnings: list[ProblemBody]) -> JobResponse:
    """A job in short."""
    return JobResponse(**_in_short(job), warnings=warnings)


def _in_short(job: Job | ListedJob) -> Mapping[str, Any]:
    return {
        "id": str(job.id),
        "status": job.status,
        "job_type": "multi_role_tts",
        "provider": job.provider,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
    }


def _list_item(job: ListedJob) -> JobListItem:
    return JobListItem(
        **_in_short(job),
        title=job.title,
        progress=_progress(job),
        duration_ms=job.duration_ms,
        error_code=job.error_code,
        revised_from=str(job.revised_from) if job.revised_from else None,
    )


def _progress(job: Job | ListedJob) -> Progress:
    return Progress(
        stage=job.stage,
        turns_done=job.turns_done,
        turns_total=job.turns_total,
        next_retry_at=job.next_run_at if job.stage is Stage.RETRYING else None,
    )


def job_detail(job: Job, script: Script, warnings: list[ProblemBody], language: Language) -> JobDetail:
    """All of a job."""
    reason = job.error_code
    return JobDetail(
        **_in_short(job),
        warnings=warnings,
        input_params=script.as_json(),
        result_metadata=ResultMetadata.model_validate(job.result_metadata) if job.result_metadata else None,
        audio_file_id=str(job.audio_file_id) if job.audio_file_id else None,
        error_code=reason,
        error_message=failure_message(reason, job.error_detail, language) if reason else None,
        retry_count=job.retry_count,
        progress=_progress(job),
        elapsed_ms=job.elapsed_ms,
        expires_at=job.expires_at,
        resubmitted_from=str(job.resubmitted_from) if job.resubmitted_from else None,
        revised_from=str(job.revised_from) if job.revised_from else None,
    )
