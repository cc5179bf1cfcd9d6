"""The audio of a job: streamed through us, or by a link to the object store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Final, Literal
from uuid import UUID

from anyio import CancelScope, CapacityLimiter, create_task_group, fail_after, to_thread
from litestar import HttpMethod, get, route
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, FromQuery
from litestar.types import ASGIApp, Receive, Scope, Send

from actors.audio.file import FORMATS
from service.http.byte_range import RangeNotSatisfiable, wanted_range
from service.http.errors import AnyRequest, ApiError
from service.http.messages import ErrorCode
from service.http.operation import (
    BINARY,
    Answer,
    Json,
    Operation,
    header,
    header_parameter,
    model,
    query_parameter,
)
from service.http.outside import OutsideDep
from service.requests.schemas import DownloadLink
from service.resources import Caller, Resources, ResourcesDep
from service.routes.job_id import JOB_ID, parse_job_id
from storage.audio_store import ObjectMissing, content_disposition
from storage.jobs import AudioFile, Job
from storage.stages import JobStatus

#: A client that takes no byte for so long is given up, so that it does not hold a connection to the object store.
STALLED_CLIENT_S: Final = 60
#: The object store has so many seconds for what comes before an answer's first byte.
STORE_TIMEOUT_S: Final = 20.0
#: Reads from the object store that run at a time. They have threads of their own: a slow store holds up nobody else.
READS_AT_ONCE: Final = 32
_reads: Final = CapacityLimiter(READS_AT_ONCE)
#: A client may keep what it got, but asks each time whether it is still its to have.
KEPT_BUT_CHECKED: Final = "private, max-age=0, must-revalidate"

#: Whether a client means to save what it gets, or to show it.
Disposition = Literal["attachment", "inline"]

#: For the descriptions of routes that send audio, or what belongs to it.
DISPOSITION: Final = query_parameter(
    "disposition",
    "to be saved, or to be shown",
    {"type": "string", "enum": ["attachment", "inline"], "default": "attachment"},
)
IF_NONE_MATCH: Final = header_parameter("If-None-Match", "ETags that the client has")
AUDIO_HEADERS: Final[Json] = {
    "Content-Length": header("bytes of this answer", {"type": "integer"}),
    "Content-Disposition": header("`attachment` or `inline`, with a file name"),
    "ETag": header("names these bytes"),
    "Accept-Ranges": header("`bytes`"),
}
NOT_MODIFIED: Final = Answer("The client has it", headers={"ETag": AUDIO_HEADERS["ETag"]})
_AUDIO: Final = {kind.content_type: BINARY for kind in FORMATS.values()}
_ERRORS: Final = (
    ErrorCode.VALIDATION_ERROR,
    ErrorCode.JOB_NOT_FOUND,
    ErrorCode.JOB_NOT_COMPLETED,
    ErrorCode.AUDIO_EXPIRED,
)


@route(
    "/jobs/{job_id:str}/download",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    operation={
        HttpMethod.GET: Operation(
            {
                200: Answer("The audio", _AUDIO, AUDIO_HEADERS),
                206: Answer(
                    "A part of it", _AUDIO, {**AUDIO_HEADERS, "Content-Range": header("`bytes a-b/n`: which part")}
                ),
                304: NOT_MODIFIED,
            },
            [*_ERRORS, ErrorCode.RANGE_NOT_SATISFIABLE],
            [
                JOB_ID,
                DISPOSITION,
                header_parameter("Range", "one range of bytes: `bytes=a-b`, `bytes=a-` or `bytes=-n`"),
                header_parameter("If-Range", "the ETag that `Range` is meant for"),
                IF_NONE_MATCH,
            ],
        ),
        HttpMethod.HEAD: Operation(
            {200: Answer("There is audio", headers=AUDIO_HEADERS), 304: NOT_MODIFIED},
            _ERRORS,
            [JOB_ID, DISPOSITION, IF_NONE_MATCH],
            summary="The headers of the audio",
            name="measure_audio",
        ),
    },
)
async def download_audio(
    resources: ResourcesDep,
    outside: OutsideDep,
    user_id: Caller,
    request: AnyRequest,
    job_id: FromPath[str],
    disposition: FromQuery[Disposition] = "attachment",
) -> ASGIApp:
    """The audio itself, or a part of it."""
    job, audio = await sync_to_thread(audio_of, resources, user_id, job_id)
    etag = f'"{audio.id}"'  # an object is never written twice, so its id names its bytes
    headers = {
        "Content-Type": audio.content_type,
        "Content-Disposition": content_disposition(disposition, _audio_name(job, audio)),
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": KEPT_BUT_CHECKED,
    }
    if is_known(request.headers.get("if-none-match"), etag):
        return AudioAnswer(304, {"ETag": etag, "Cache-Control": KEPT_BUT_CHECKED})
    try:
        if request.method == HttpMethod.HEAD:
            await outside.object_store.run(partial(resources.stores.audio.stat, audio.object_key), STORE_TIMEOUT_S)
            return AudioAnswer(200, {**headers, "Content-Length": str(audio.size_bytes)})
        sending = partial(_send_part, resources, audio, headers, _range_header(request, etag))
        return await outside.object_store.run(sending, STORE_TIMEOUT_S)
    except ObjectMissing:
        raise ApiError(ErrorCode.AUDIO_EXPIRED) from None


@get(
    "/jobs/{job_id:str}/download-link",
    operation=Operation(
        {200: model("The link", DownloadLink)},
        [ErrorCode.JOB_NOT_FOUND, ErrorCode.JOB_NOT_COMPLETED, ErrorCode.AUDIO_EXPIRED],
        [JOB_ID],
        summary="A presigned link to the object store, valid for 15 minutes",
    ),
)
async def link_to_audio(
    resources: ResourcesDep, outside: OutsideDep, user_id: Caller, job_id: FromPath[str]
) -> DownloadLink:
    """A presigned link, for a client that fetches from the object store itself."""
    job, audio = await sync_to_thread(audio_of, resources, user_id, job_id)
    try:
        await outside.object_store.run(partial(resources.stores.audio.stat, audio.object_key), STORE_TIMEOUT_S)
    except ObjectMissing:
        raise ApiError(ErrorCode.AUDIO_EXPIRED) from None
    link = resources.stores.audio.presign(audio.object_key, filename=_audio_name(job, audio))
    return DownloadLink(url=link.url, expires_at=link.expires_at)


def completed(job: Job) -> Job:
    """The job itself.

    Raises:
        ApiError: it is not completed.
    """
    if job.status is not JobStatus.COMPLETED:
        raise ApiError(ErrorCode.JOB_NOT_COMPLETED, {"status": job.status})
    return job


def audio_of(resources: Resources, user_id: UUID, job_id: str) -> tuple[Job, AudioFile]:
    """A completed job and its result.

    Raises:
        JobNotFound: the user has no such job.
        ApiError: it is not completed, or its audio is gone.
    """
    job = completed(resources.stores.jobs.get(user_id, parse_job_id(job_id)))
    audio = resources.stores.jobs.audio_file(job)
    if audio is None:
        raise ApiError(ErrorCode.AUDIO_EXPIRED)
    return job, audio


def file_name(job: Job, suffix: str) -> str:
    """What a file of this job is called where it is saved."""
    return f"readthrough-{job.id}{suffix}"


def _audio_name(job: Job, audio: AudioFile) -> str:
    return file_name(job, PurePosixPath(audio.object_key).suffix)


def _send_part(resources: Resources, audio: AudioFile, headers: Mapping[str, str], range_header: str | None) -> ASGIApp:
    size = audio.size_bytes
    try:
        part = wanted_range(range_header, size)
    except RangeNotSatisfiable:
        raise ApiError(
            ErrorCode.RANGE_NOT_SATISFIABLE, {"size_bytes": size}, headers={"Content-Range": f"bytes */{size}"}
        ) from None
    if part is None:
        status, start, end = 200, 0, size - 1
    else:
        status, start, end = 206, part.start, part.end
        headers = {**headers, "Content-Range": f"bytes {start}-{end}/{size}"}
    chunks = resources.stores.audio.open(audio.object_key, start=start, end=end)
    # The first bytes are here before the answer begins: until then a store that fails is an error like any other.
    first = next(chunks, b"")
    return AudioAnswer(status, {**headers, "Content-Length": str(end - start + 1)}, first, chunks)


def _range_header(request: AnyRequest, etag: str) -> str | None:
    """`Range`, unless `If-Range` says that it was meant for other bytes (RFC 9110, 13.1.5)."""
    if_range = request.headers.get("if-range")
    return None if if_range is not None and if_range.strip() != etag else request.headers.get("range")


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has these bytes (RFC 9110, 13.1.2; the comparison is weak)."""
    if if_none_match is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in known or "*" in known


class AudioAnswer:
    """An answer whose body comes from the object store, a chunk at a time.

    Whatever ends it (the last byte, a client that leaves or stalls, a store that breaks off), the connection to the
    store is closed. Litestar's own stream leaves that to the garbage collector.
    """

    def __init__(
        self, status: int, headers: Mapping[str, str], first: bytes = b"", rest: Iterator[bytes] | None = None
    ) -> None:
        self._status = status
        self._headers = headers
        self._first = first
        self._rest = rest if rest is not None else iter(())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(_cancel_when_client_leaves, receive, tasks.cancel_scope)
                await self._send(send)
                tasks.cancel_scope.cancel()
        finally:
            close = getattr(self._rest, "close", None)
            if close is not None:
                with CancelScope(shield=True):
                    await to_thread.run_sync(close, limiter=_reads)

    async def _send(self, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        chunk = self._first
        while chunk:
            with fail_after(STALLED_CLIENT_S):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = await to_thread.run_sync(next, self._rest, b"", limiter=_reads)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _cancel_when_client_leaves(receive: Receive, scope: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
