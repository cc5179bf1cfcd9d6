"""The shapes of requests and answers: what they hold is checked here, and `openapi.py` shows it.

Rules that tie fields together (speakers and voices, indexes, a provider's limits) are in `job_request.py`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from actors.audio.file import FORMATS
from actors.providers.provider import SynthesisMode
from service.http.messages import ErrorCode
from service.requests.manner import Speed, Style
from storage.jobs import FailureReason
from storage.stages import JobStatus, Stage

#: A job has at most so many turns.
MAX_TURNS: Final = 1000
#: A job has at most so many speakers, or fewer where its provider says so.
MAX_SPEAKERS: Final = 6
#: A speaker's name has at most so many characters.
MAX_SPEAKER_LENGTH: Final = 50
#: The most text that any provider takes, in characters.
MAX_CHARACTERS: Final = 100_000
#: A job names at most so many voices: more than speakers, so that one too many is told by its name.
MAX_VOICE_ASSIGNMENTS: Final = 20
#: The name of a provider, the id of a voice and what people call it have at most so many characters.
MAX_NAME_LENGTH: Final = 200
#: A dialogue as people write it has at most so many characters: the longest job with its names and empty lines has
#: 160,000.
MAX_DIALOGUE_LENGTH: Final = 200_000
#: What a job may ask for.
OUTPUT_FORMATS: Final = tuple(FORMATS)

#: RFC 5646, 2.1: language, script, region, variants, extensions, private use. Grandfathered tags are left out.
LANGUAGE_PATTERN: Final = (
    r"^([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(-[A-WY-Za-wy-z0-9](-[A-Za-z0-9]{2,8})+)*(-[Xx](-[A-Za-z0-9]{1,8})+)?$"
)
_LANGUAGE: Final = re.compile(LANGUAGE_PATTERN)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


#: What is storable, for the document: pydantic itself asks `_storable`, which is quicker.
_NO_NUL: Final[JsonDict] = {"pattern": r"^[^\x00]*$"}
_NO_NUL_NOT_BLANK: Final[JsonDict] = {"pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}


def _storable(text: str) -> str:
    # JSON can carry both, PostgreSQL neither.
    if "\0" in text:
        raise PydanticCustomError("nul_character", "contains a NUL character")
    if _SURROGATE.search(text):
        raise PydanticCustomError("lone_surrogate", "contains half of a surrogate pair")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "is blank")
    return text


def is_language_tag(tag: str) -> bool:
    """Whether it is a BCP 47 tag, of a length that makes sense."""
    return len(tag) <= 64 and _LANGUAGE.fullmatch(tag) is not None


def _language(tag: str) -> str:
    if not is_language_tag(tag):
        raise PydanticCustomError("language_tag", "is not a language tag")
    return tag


def _output_format(name: str) -> str:
    if name not in OUTPUT_FORMATS:
        raise PydanticCustomError("one_of", "is unknown", {"expected": ", ".join(OUTPUT_FORMATS)})
    return name


# A text is measured before anything else looks at it.
SpokenText = Annotated[
    str,
    Field(min_length=1, max_length=MAX_CHARACTERS, json_schema_extra=_NO_NUL_NOT_BLANK),
    AfterValidator(_storable),
    AfterValidator(_not_blank),
]
Speaker = Annotated[
    str,
    Field(min_length=1, max_length=MAX_SPEAKER_LENGTH, json_schema_extra=_NO_NUL_NOT_BLANK),
    AfterValidator(_storable),
    AfterValidator(_not_blank),
]
VoiceId = Annotated[
    str, Field(min_length=1, max_length=MAX_NAME_LENGTH, json_schema_extra=_NO_NUL), AfterValidator(_storable)
]
VoiceName = Annotated[str, Field(max_length=MAX_NAME_LENGTH, json_schema_extra=_NO_NUL), AfterValidator(_storable)]
# That it is empty is told as that there is no such provider.
ProviderName = Annotated[str, Field(max_length=MAX_NAME_LENGTH, json_schema_extra={"minLength": 1})]
DialogueText = Annotated[
    str, Field(max_length=MAX_DIALOGUE_LENGTH, json_schema_extra=_NO_NUL), AfterValidator(_storable)
]
LanguageTag = Annotated[
    str, AfterValidator(_language), Field(json_schema_extra={"pattern": LANGUAGE_PATTERN, "maxLength": 64})
]
OutputFormat = Annotated[str, AfterValidator(_output_format), Field(json_schema_extra={"enum": [*OUTPUT_FORMATS]})]
Time = Annotated[
    datetime,
    PlainSerializer(
        lambda moment: rfc3339(moment), return_type=Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    ),
]


def rfc3339(moment: datetime) -> str:
    """A time of the database, which is in UTC, to the millisecond: `2026-01-20T10:30:00.123Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Request(BaseModel):
    # Strict: "3" and 3.0 are not 3, and true is not 1.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class TurnBody(_Request):
    """One line of the dialogue."""

    speaker: Speaker = Field(description="who speaks")
    text: SpokenText = Field(description="what is said")
    index: int = Field(ge=0, description="when: 0 first; the indexes of n turns are 0 to n-1, in any order")


class JobTurnBody(TurnBody):
    """One line of a dialogue that is to be spoken."""

    voice_id: VoiceId | None = Field(default=None, description="another voice than the speaker's, for this line alone")
    speed: Speed | None = Field(default=None, description="another speed than the speaker's, for this line alone")
    style: Style | None = Field(default=None, description="another style than the speaker's, for this line alone")


class VoiceAssignmentBody(_Request):
    """The voice of a speaker."""

    speaker: Speaker = Field(description="a speaker of the turns; each has exactly one assignment")
    voice_id: VoiceId = Field(description="a voice of the provider")
    voice_name: VoiceName | None = Field(default=None, description="what people call it")
    speed: Speed | None = Field(default=None, description="a factor of the voice's own speed")
    style: Style | None = Field(
        default=None, description="as `cheerful`: a style from GET /providers, or words where the provider takes any"
    )


class JobRequest(_Request):
    """A dialogue to be spoken."""

    provider: ProviderName = Field(description="a name from GET /providers")
    turns: list[JobTurnBody] = Field(min_length=1, max_length=MAX_TURNS)
    voice_assignments: list[VoiceAssignmentBody] = Field(
        max_length=MAX_VOICE_ASSIGNMENTS, json_schema_extra={"minItems": 1}
    )
    language: LanguageTag = Field(default="zh-TW", description="BCP 47")
    output_format: OutputFormat = "mp3"
    gap_ms: int = Field(default=300, ge=0, le=2000, description="silence between turns, in milliseconds")
    crossfade_ms: int = Field(
        default=50,
        ge=0,
        le=500,
        description="overlap of neighbouring turns, in milliseconds; only where gap_ms is 0",
    )
    normalize: bool = Field(default=True, description="bring all speakers to the same loudness")


class RevisedTurnBody(_Request):
    """What is to become of one turn: at least one of the three."""

    index: int = Field(ge=0, description="which turn of the job; each at most once")
    text: SpokenText | None = Field(default=None, description="what is said instead")
    voice_id: VoiceId | None = Field(default=None, description="the voice of this line alone")
    speak_again: bool = Field(default=False, description="speak it anew, even if nothing else is changed")


class RevisionRequest(_Request):
    """The turns of a job that are to be changed; all else stays."""

    turns: list[RevisedTurnBody] = Field(min_length=1, max_length=MAX_TURNS)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProblemBody(_Answer):
    """One thing that is wrong with a request, or will not be as it was asked. `field`: its path, as `turns[3].text`."""

    field: str
    message: str


class _JobInShort(_Answer):
    id: str = Field(json_schema_extra={"format": "uuid"})
    status: JobStatus
    job_type: Literal["multi_role_tts"]
    provider: str
    created_at: Time
    started_at: Time | None
    completed_at: Time | None


class JobResponse(_JobInShort):
    """A job in short. `warnings`: what of it will not be, or was not, as it was asked."""

    warnings: list[ProblemBody]


class TurnTimingBody(_Answer):
    """Where a turn is heard, in milliseconds from the start."""

    turn_index: int
    start_ms: int
    end_ms: int


class ResultMetadata(_Answer):
    """What came out. `latency_ms`: from start to completion."""

    duration_ms: int
    latency_ms: int
    synthesis_mode: SynthesisMode
    turn_timings: list[TurnTimingBody] | None
    billed_characters: int
    cached_characters: int


class Progress(_Answer):
    """How far a job is. `next_retry_at`: only while `stage` is `retrying`."""

    stage: Stage
    turns_done: int
    turns_total: int
    next_retry_at: Time | None


class JobDetail(JobResponse):
    """All of a job. `elapsed_ms`: from its start to its end, or to now."""

    # As it was accepted: shaped as JobRequest, but not held against rules that are younger than the job.
    input_params: dict[str, Any]
    result_metadata: ResultMetadata | None
    audio_file_id: str | None = Field(json_schema_extra={"format": "uuid"})
    error_code: FailureReason | None
    error_message: str | None
    retry_count: int
    progress: Progress
    elapsed_ms: int | None
    expires_at: Time | None
    resubmitted_from: str | None = Field(json_schema_extra={"format": "uuid"})
    revised_from: str | None = Field(json_schema_extra={"format": "uuid"})


class JobListItem(_JobInShort):
    """A job in a list. `title`: the beginning of its first turn. `duration_ms`: of its audio."""

    title: str
    progress: Progress
    duration_ms: int | None
    error_code: FailureReason | None
    revised_from: str | None = Field(json_schema_extra={"format": "uuid"})


class JobList(_Answer):
    """A page of jobs, newest first. `total`: how many there are in all; from 10,000 on it is not exact.

    `next_cursor`: the `cursor` of the next page; null at the end.
    """

    items: list[JobListItem]
    total: int
    total_is_exact: bool
    limit: int
    offset: int
    next_cursor: str | None


class DownloadLink(_Answer):
    """A presigned link to the audio."""

    url: str
    expires_at: Time


class Peaks(_Answer):
    """A waveform: the lowest and the highest sample of each of some thousand equal parts, from -1 to 1."""

    peaks: list[list[float]]
    duration_ms: int


class ProviderBody(_Answer):
    """A provider and what it can do. `missing_settings`: the names of those without which it is not `configured`."""

    name: str
    configured: bool
    synthesis_mode: SynthesisMode
    max_speakers: int
    character_limit: int
    output_formats: list[str]
    advanced_features: list[str]
    missing_settings: list[str]
    styles: list[str] = Field(description="those that it names; some voices have a part of them")
    takes_any_style: bool = Field(description="a style in words of one's own is understood")


class ProviderList(_Answer):
    """Every provider, configured or not."""

    items: list[ProviderBody]


class VoiceBody(_Answer):
    """A voice."""

    voice_id: str
    voice_name: str
    language: str
    gender: str | None


class VoiceList(_Answer):
    """The voices of a provider."""

    items: list[VoiceBody]


class Health(_Answer):
    """All is well; what is not is answered as an error."""

    status: Literal["ok"]


class ErrorBody(_Answer):
    """Every error. `details` depends on the code: `VALIDATION_ERROR` has `problems`, a list of field and message."""

    error: ErrorCode
    message: str
    details: dict[str, Any] | None
