"""What every route takes and answers, as OpenAPI tells it. The table; `openapi.py` makes the document of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from actors.audio.file import FORMATS
from service.http.messages import ErrorCode as Code
from service.requests import schemas
from storage.stages import JobStatus

Json = Mapping[str, Any]

JSON: Final = "application/json"
_BINARY: Final[Json] = {"type": "string", "format": "binary"}
_TEXT: Final[Json] = {"type": "string"}


def _parameter(name: str, place: str, schema: Json, description: str) -> Json:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": description,
    }


_JOB_ID: Final = _parameter("job_id", "path", {"type": "string", "format": "uuid"}, "the job's id")
_DISPOSITION: Final = _parameter(
    "disposition",
    "query",
    {"type": "string", "enum": ["attachment", "inline"], "default": "attachment"},
    "to be saved, or to be shown",
)
LANGUAGE: Final = _parameter("Accept-Language", "header", _TEXT, "`zh` (the default) or `en`, for messages")
_RANGE_HEADERS: Final = (
    _parameter("Range", "header", _TEXT, "one range of bytes: `bytes=a-b`, `bytes=a-` or `bytes=-n`"),
    _parameter("If-Range", "header", _TEXT, "the ETag that `Range` is meant for"),
    _parameter("If-None-Match", "header", _TEXT, "ETags that the client has"),
)


def header(description: str, schema: Json = _TEXT) -> Json:
    """A header of an answer."""
    return {"description": description, "schema": schema}


_AUDIO_HEADERS: Final[Json] = {
    "Content-Length": header("bytes of this answer", {"type": "integer"}),
    "Content-Disposition": header("`attachment` or `inline`, with a file name"),
    "ETag": header("names these bytes"),
    "Accept-Ranges": header("`bytes`"),
}
ERROR_HEADERS: Final[Mapping[int, Json]] = {
    401: {"WWW-Authenticate": header("`Bearer`")},
    405: {"Allow": header("the methods that there are")},
    416: {"Content-Range": header("`bytes */n`: there are n")},
    429: {"Retry-After": header("seconds to wait", {"type": "integer"})},
    503: {"Retry-After": header("seconds to wait", {"type": "integer"})},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets when all is well: `content` is a schema for each media type."""

    description: str
    content: Mapping[str, Json] = field(default_factory=dict[str, Json])
    headers: Json = field(default_factory=dict[str, Any])


def model(description: str, kind: type[BaseModel], headers: Json | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(description, {JSON: model_ref(kind)}, headers or {})


def model_ref(kind: type[BaseModel]) -> Json:
    """Where the document has a model's schema."""
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


_AUDIO: Final = {kind.content_type: _BINARY for kind in FORMATS.values()}
_LOCATION: Final = {"Location": header("the job's path")}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `errors`: beside those that every route has; with its status where that is not the code's usual one.
    """

    method: str
    path: str
    name: str
    summary: str
    answers: Mapping[int, Answer]
    errors: Sequence[Code | tuple[int, Code]] = ()
    parameters: Sequence[Json] = ()
    body: type[BaseModel] | None = None

    @property
    def tag(self) -> str:
        """The group that it is shown in."""
        return self.path.removeprefix("/api/v1").split("/")[1]


OPERATIONS: Final[Sequence[Operation]] = (
    Operation(
        "post",
        "/api/v1/jobs",
        "submit_job",
        "Accept a dialogue to be spoken",
        {201: model("Accepted; the same job again for the same Idempotency-Key", schemas.JobResponse, _LOCATION)},
        [
            Code.VALIDATION_ERROR,
            Code.UNKNOWN_PROVIDER,
            Code.PROVIDER_NOT_CONFIGURED,
            Code.PAYLOAD_TOO_LARGE,
            Code.IDEMPOTENCY_KEY_REUSED,
            Code.JOB_LIMIT_EXCEEDED,
        ],
        [
            _parameter(
                "Idempotency-Key",
                "header",
                {"type": "string", "pattern": "^[!-~]{1,255}$"},
                "the client's own name for this request, so that it can be sent again without a second job",
            )
        ],
        schemas.JobRequest,
    ),
    Operation(
        "get",
        "/api/v1/jobs",
        "list_jobs",
        "A page of the caller's jobs, newest first",
        {200: model("The page", schemas.JobList)},
        [Code.VALIDATION_ERROR],
        [
            _parameter("status", "query", {"type": "string", "enum": [s.value for s in JobStatus]}, "only these"),
            _parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "page size"),
            _parameter("offset", "query", {"type": "integer", "minimum": 0, "default": 0}, "how many to pass over"),
        ],
    ),
    Operation(
        "get",
        "/api/v1/jobs/{job_id}",
        "get_job",
        "All of a job",
        {200: model("The job", schemas.JobDetail)},
        [Code.JOB_NOT_FOUND],
        [_JOB_ID],
    ),
    Operation(
        "delete",
        "/api/v1/jobs/{job_id}",
        "cancel_job",
        "Take a pending job back",
        {200: model("The job, now cancelled", schemas.JobResponse)},
        [Code.JOB_NOT_FOUND, Code.JOB_CANNOT_CANCEL],
        [_JOB_ID],
    ),
    Operation(
        "post",
        "/api/v1/jobs/{job_id}/resubmit",
        "resubmit_job",
        "A new job with the input of a failed or cancelled one",
        {201: model("The new job", schemas.JobResponse, _LOCATION)},
        [Code.JOB_NOT_FOUND, Code.JOB_CANNOT_RESUBMIT, Code.JOB_LIMIT_EXCEEDED],
        [_JOB_ID],
    ),
    Operation(
        "post",
        "/api/v1/jobs/{job_id}/revise",
        "revise_job",
        "A new job of a completed or failed one, some of its turns changed or spoken again; only those are paid for",
        {201: model("The new job", schemas.JobResponse, _LOCATION)},
        [
            Code.VALIDATION_ERROR,
            Code.UNKNOWN_PROVIDER,
            Code.PROVIDER_NOT_CONFIGURED,
            Code.JOB_NOT_FOUND,
            Code.JOB_CANNOT_REVISE,
            Code.PAYLOAD_TOO_LARGE,
            Code.JOB_LIMIT_EXCEEDED,
        ],
        [_JOB_ID],
        schemas.RevisionRequest,
    ),
    *(
        Operation(
            method,
            "/api/v1/jobs/{job_id}/download",
            f"{name}_audio",
            summary,
            answers,
            [
                Code.VALIDATION_ERROR,
                Code.JOB_NOT_FOUND,
                Code.JOB_NOT_COMPLETED,
                Code.AUDIO_EXPIRED,
                *([Code.RANGE_NOT_SATISFIABLE] if method == "get" else []),
            ],
            [
                _JOB_ID,
                _DISPOSITION,
                *(_RANGE_HEADERS if method == "get" else _RANGE_HEADERS[2:]),
            ],
        )
        for method, name, summary, answers in (
            (
                "get",
                "download",
                "The audio itself, or a part of it",
                {
                    200: Answer("The audio", _AUDIO, _AUDIO_HEADERS),
                    206: Answer(
                        "A part of it",
                        _AUDIO,
                        {**_AUDIO_HEADERS, "Content-Range": header("`bytes a-b/n`: which part")},
                    ),
                    304: Answer("The client has it", headers={"ETag": _AUDIO_HEADERS["ETag"]}),
                },
            ),
            (
                "head",
                "measure",
                "The headers of the audio",
                {
                    200: Answer("There is audio", headers=_AUDIO_HEADERS),
                    304: Answer("The client has it", headers={"ETag": _AUDIO_HEADERS["ETag"]}),
                },
            ),
        )
    ),
    Operation(
        "get",
        "/api/v1/jobs/{job_id}/download-link",
        "link_to_audio",
        "A presigned link to the object store, valid for 15 minutes",
        {200: model("The link", schemas.DownloadLink)},
        [Code.JOB_NOT_FOUND, Code.JOB_NOT_COMPLETED, Code.AUDIO_EXPIRED],
        [_JOB_ID],
    ),
    Operation(
        "get",
        "/api/v1/jobs/{job_id}/captions",
        "read_captions",
        "The words of a completed job at the times at which they are heard",
        {
            200: Answer(
                "The captions",
                {"text/vtt": _TEXT, "application/x-subrip": _TEXT},
                {"Content-Disposition": _AUDIO_HEADERS["Content-Disposition"]},
            )
        },
        [Code.VALIDATION_ERROR, Code.JOB_NOT_FOUND, Code.JOB_NOT_COMPLETED],
        [
            _JOB_ID,
            _parameter(
                "format",
                "query",
                {"type": "string", "enum": ["vtt", "srt"], "default": "vtt"},
                "WebVTT, where each speaker is a voice, or SRT",
            ),
            _DISPOSITION,
        ],
    ),
    Operation(
        "get",
        "/api/v1/jobs/{job_id}/peaks",
        "read_peaks",
        "The waveform of a completed job",
        {
            200: model("The waveform", schemas.Peaks, {"ETag": _AUDIO_HEADERS["ETag"]}),
            304: Answer("The client has it", headers={"ETag": _AUDIO_HEADERS["ETag"]}),
        },
        [Code.JOB_NOT_FOUND, Code.JOB_NOT_COMPLETED, Code.AUDIO_EXPIRED],
        [_JOB_ID, _RANGE_HEADERS[2]],
    ),
    Operation(
        "get",
        "/api/v1/providers",
        "list_providers",
        "Every provider, configured or not",
        {200: model("The providers", schemas.ProviderList)},
    ),
    Operation(
        "get",
        "/api/v1/providers/{name}/voices",
        "list_voices",
        "The voices of a provider",
        {200: model("The voices", schemas.VoiceList)},
        [(404, Code.UNKNOWN_PROVIDER), (409, Code.PROVIDER_NOT_CONFIGURED)],
        [
            _parameter("name", "path", _TEXT, "a name from GET /providers"),
            _parameter("language", "query", _TEXT, "a BCP 47 range: `zh` is every Chinese, `zh-TW` Taiwan's alone"),
        ],
    ),
    Operation(
        "post",
        "/api/v1/providers/{name}/voices/{voice_id}/preview",
        "preview_voice",
        "A short sample of a voice, spoken once and kept for all",
        {200: Answer("The sample", {FORMATS["mp3"].content_type: _BINARY})},
        [
            Code.VALIDATION_ERROR,
            Code.VOICE_NOT_FOUND,
            (404, Code.UNKNOWN_PROVIDER),
            (409, Code.PROVIDER_NOT_CONFIGURED),
        ],
        [
            _parameter("name", "path", _TEXT, "a name from GET /providers"),
            _parameter("voice_id", "path", _TEXT, "a voice of the provider, URL-encoded"),
            _parameter("language", "query", _TEXT, "BCP 47, for a voice that speaks every language"),
        ],
    ),
    Operation(
        "post",
        "/api/v1/dialogues/parse",
        "parse_dialogue",
        "The turns and speakers of a dialogue as people write it",
        {200: model("What was found, and what is wrong", schemas.ParsedDialogue)},
        [Code.VALIDATION_ERROR, Code.PAYLOAD_TOO_LARGE],
        body=schemas.ParseRequest,
    ),
    Operation("get", "/health/live", "live", "Whether the process answers", {200: model("It does", schemas.Health)}),
    Operation(
        "get",
        "/health/ready",
        "ready",
        "Whether database, broker and object store can be reached; `details.unavailable` of a 503 names what cannot",
        {200: model("They can", schemas.Health)},
    ),
    Operation(
        "get",
        "/metrics",
        "read_metrics",
        "Numbers for Prometheus",
        {200: Answer("Prometheus' text format", {"text/plain": _TEXT})},
    ),
    Operation(
        "get",
        "/schema/openapi.json",
        "read_schema",
        "This document",
        {200: Answer("OpenAPI 3.1", {JSON: {"type": "object"}})},
    ),
    Operation(
        "get", "/schema", "show_schema", "This document, for people", {200: Answer("A page", {"text/html": _TEXT})}
    ),
)
