"""What there is to a job's audio beside the sound: its captions, and the waveform that the page draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from litestar import Response, get
from litestar.params import FromPath, FromQuery

from actors.audio.waveform import pairs_of
from actors.directions import caption_of
from service.captions import Cue, srt, webvtt
from service.http.errors import AnyRequest
from service.http.messages import ErrorCode
from service.http.operation import TEXT, Answer, Operation, model, query_parameter
from service.requests.schemas import Peaks
from service.resources import Caller, ResourcesDep
from service.routes.download import (
    AUDIO_HEADERS,
    DISPOSITION,
    IF_NONE_MATCH,
    KEPT_BUT_CHECKED,
    NOT_MODIFIED,
    Disposition,
    audio_of,
    completed,
    file_name,
    is_known,
)
from service.routes.job_id import JOB_ID, parse_job_id
from storage.audio_store import content_disposition
from storage.jobs import Job, Script


@dataclass(frozen=True, slots=True)
class CaptionFormat:
    """A kind of captions file, in UTF-8: Litestar itself says so of what is text."""

    media_type: str
    write: Callable[[Iterable[Cue]], str]


CAPTION_FORMATS: Final[Mapping[str, CaptionFormat]] = {
    "vtt": CaptionFormat("text/vtt", webvtt),
    "srt": CaptionFormat("application/x-subrip; charset=utf-8", srt),
}


@get(
    "/jobs/{job_id:str}/captions",
    sync_to_thread=True,
    operation=Operation(
        {
            200: Answer(
                "The captions",
                {"text/vtt": TEXT, "application/x-subrip": TEXT},
                {"Content-Disposition": AUDIO_HEADERS["Content-Disposition"]},
            )
        },
        [ErrorCode.VALIDATION_ERROR, ErrorCode.JOB_NOT_FOUND, ErrorCode.JOB_NOT_COMPLETED],
        [
            JOB_ID,
            query_parameter(
                "format",
                "WebVTT, where each speaker is a voice, or SRT",
                {"type": "string", "enum": [*CAPTION_FORMATS], "default": "vtt"},
            ),
            DISPOSITION,
        ],
    ),
)
def read_captions(
    resources: ResourcesDep,
    user_id: Caller,
    job_id: FromPath[str],
    format: FromQuery[Literal["vtt", "srt"]] = "vtt",
    disposition: FromQuery[Disposition] = "attachment",
) -> Response[bytes]:
    """The words of a completed job at the times at which they are heard."""
    job, script = resources.stores.jobs.get_with_script(user_id, parse_job_id(job_id))
    kind = CAPTION_FORMATS[format]
    return Response(
        kind.write(_cues(completed(job), script)).encode(),
        media_type=kind.media_type,
        headers={"Content-Disposition": content_disposition(disposition, file_name(job, f".{format}"))},
    )


@get(
    "/jobs/{job_id:str}/peaks",
    sync_to_thread=True,
    operation=Operation(
        {200: model("The waveform", Peaks, {"ETag": AUDIO_HEADERS["ETag"]}), 304: NOT_MODIFIED},
        [ErrorCode.JOB_NOT_FOUND, ErrorCode.JOB_NOT_COMPLETED, ErrorCode.AUDIO_EXPIRED],
        [JOB_ID, IF_NONE_MATCH],
    ),
)
def read_peaks(
    resources: ResourcesDep, user_id: Caller, request: AnyRequest, job_id: FromPath[str]
) -> Response[Peaks] | Response[None]:
    """The waveform of a completed job."""
    _, audio = audio_of(resources, user_id, job_id)
    headers = {"ETag": f'"{audio.id}"', "Cache-Control": KEPT_BUT_CHECKED}
    if is_known(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(None, status_code=304, headers=headers)
    pairs = [list(pair) for pair in pairs_of(resources.stores.jobs.peaks(audio))]
    return Response(Peaks(peaks=pairs, duration_ms=audio.duration_ms), headers=headers)


def _cues(job: Job, script: Script) -> Iterator[Cue]:
    timings: list[Mapping[str, int]] = (job.result_metadata or {}).get("turn_timings") or []
    heard = {timing["turn_index"]: timing for timing in timings}
    for turn in script.turns:
        if turn.index in heard:
            timing = heard[turn.index]
            yield Cue(timing["start_ms"], timing["end_ms"], turn.speaker, caption_of(turn.text))
