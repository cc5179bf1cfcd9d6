"""Which providers there are, their voices, and how a voice sounds."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

import structlog
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, SkipValidation

from actors.preview import PREVIEW_FORMAT, Previews
from actors.providers.problem import Problem, Text
from actors.providers.provider import Provider, ProviderError, Voice
from service.http.errors import UNAVAILABLE_RETRY_AFTER_S, ApiError, InvalidRequest
from service.http.messages import ErrorCode
from service.http.operation import BINARY, Answer, Operation, model, path_parameter, query_parameter
from service.http.outside import OutsideDep
from service.http.rate_limit import PreviewLimitDep
from service.requests.schemas import (
    LANGUAGE_PATTERN,
    MAX_SPEAKERS,
    OUTPUT_FORMATS,
    ProviderBody,
    ProviderList,
    VoiceBody,
    VoiceList,
    is_language_tag,
)
from service.requests.validation import BAD_LANGUAGE
from service.resources import Caller, Resources, ResourcesDep

log = structlog.get_logger()

#: A vendor's list of voices that does not come within so many seconds is given up.
VOICES_TIMEOUT_S: Final = 10.0

#: A preview that is not there within so many seconds, the list of voices included, is given up.
PREVIEW_TIMEOUT_S: Final = 20.0
#: Previews that one user may ask for in a minute: each may be a call that a vendor is paid for.
PREVIEWS_PER_MINUTE: Final = 30

#: How a handler asks for the previews: a parameter of this type, named `previews`.
PreviewsDep = NamedDependency[SkipValidation[Previews]]

_PREVIEW_AWAY: Final = Text("無法試聽：{reason}", "The voice cannot be heard: {reason}")
_TOO_SLOW: Final = Text("語音服務太久沒有回應", "the provider takes too long")
_VOICES_AWAY: Final = Text("無法取得語音清單：{reason}", "The provider's voices cannot be had: {reason}")

#: For the descriptions of all routes of one provider.
_NAME: Final = path_parameter("name", "a name from GET /providers")
_OF_A_PROVIDER: Final = (
    (404, ErrorCode.UNKNOWN_PROVIDER),
    (409, ErrorCode.PROVIDER_NOT_CONFIGURED),
    ErrorCode.PROVIDER_REJECTED,
)


@get("/providers", sync_to_thread=True, operation=Operation({200: model("The providers", ProviderList)}))
def list_providers(resources: ResourcesDep) -> ProviderList:
    """Every provider, configured or not."""
    return ProviderList(items=[_described(provider) for provider in resources.providers.values()])


@get(
    "/providers/{name:str}/voices",
    operation=Operation(
        {200: model("The voices", VoiceList)},
        _OF_A_PROVIDER,
        [
            _NAME,
            query_parameter("language", "a BCP 47 range: `zh` is every Chinese, `zh-TW` Taiwan's alone"),
        ],
    ),
)
async def list_voices(
    resources: ResourcesDep, outside: OutsideDep, name: FromPath[str], language: FromQuery[str | None] = None
) -> VoiceList:
    """The voices of a provider, those of one language if asked."""
    provider = _configured(resources, name)
    text = _VOICES_AWAY.filled(reason=_TOO_SLOW)
    asked = partial(_voices_of, provider, VOICES_TIMEOUT_S)
    voices = await outside.vendor(provider.name).run(asked, VOICES_TIMEOUT_S + 1, text)
    return VoiceList(
        items=[
            VoiceBody(voice_id=v.voice_id, voice_name=v.voice_name, language=v.language, gender=v.gender)
            for v in voices
            if not language or _suits(v, language.lower())
        ]
    )


@post(
    "/providers/{name:str}/voices/{voice_id:str}/preview",
    status_code=200,
    operation=Operation(
        {200: Answer("The sample", {PREVIEW_FORMAT.content_type: BINARY})},
        [ErrorCode.VALIDATION_ERROR, ErrorCode.VOICE_NOT_FOUND, *_OF_A_PROVIDER],
        [
            _NAME,
            path_parameter("voice_id", "a voice of the provider, URL-encoded"),
            query_parameter(
                "language",
                "BCP 47, for a voice that speaks every language",
                {"type": "string", "pattern": LANGUAGE_PATTERN, "maxLength": 64},
            ),
        ],
    ),
)
async def preview_voice(
    resources: ResourcesDep,
    outside: OutsideDep,
    previews: PreviewsDep,
    preview_limit: PreviewLimitDep,
    user_id: Caller,
    name: FromPath[str],
    voice_id: FromPath[str],
    language: FromQuery[str | None] = None,
) -> Response[bytes]:
    """A short sample of a voice, spoken once and kept for all."""
    provider = _configured(resources, name)
    if language is not None and not is_language_tag(language):
        raise InvalidRequest([Problem("language", BAD_LANGUAGE)])
    preview_limit.require(user_id)
    made = partial(_preview, previews, provider, voice_id, language)
    text = _PREVIEW_AWAY.filled(reason=_TOO_SLOW)
    sample = await outside.vendor(provider.name).run(made, PREVIEW_TIMEOUT_S + 1, text)
    return Response(sample, media_type=PREVIEW_FORMAT.content_type)


def _preview(previews: Previews, provider: Provider, voice_id: str, language: str | None) -> bytes:
    ends_at = time.monotonic() + PREVIEW_TIMEOUT_S
    voices = _voices_of(provider, VOICES_TIMEOUT_S)
    voice = next((voice for voice in voices if voice.voice_id == voice_id), None)
    if voice is None:
        raise ApiError(ErrorCode.VOICE_NOT_FOUND)
    try:
        return previews.preview(provider, voice, language, timeout_s=ends_at - time.monotonic())
    except ProviderError as error:
        log.warning("preview_failed", provider=provider.name, voice=voice_id, reason=str(error))
        raise _failed(provider, _PREVIEW_AWAY, error) from error


def _configured(resources: Resources, name: str) -> Provider:
    provider = resources.providers.get(name)
    if provider is None:
        raise ApiError(ErrorCode.UNKNOWN_PROVIDER, status=404)
    if provider.missing_settings:
        missing = {"missing_settings": list(provider.missing_settings)}
        raise ApiError(ErrorCode.PROVIDER_NOT_CONFIGURED, missing, status=409)
    return provider


def _suits(voice: Voice, wanted: str) -> bool:
    """Whether a voice is within a range of languages, as `zh-TW` is within `zh` (RFC 4647, 3.3.1), or suits it else.

    Mandarin of no region suits zh-TW; a voice of no language suits all.
    """
    tag = voice.language.lower()
    return tag == wanted or tag.startswith(f"{wanted}-") or voice.speaks(wanted)


def _voices_of(provider: Provider, timeout_s: float) -> list[Voice]:
    try:
        return list(provider.voices(timeout_s))
    except ProviderError as error:
        log.warning("voices_unavailable", provider=provider.name, reason=str(error))
        raise _failed(provider, _VOICES_AWAY, error) from error


def _failed(provider: Provider, what: Text, error: ProviderError) -> ApiError:
    """A vendor that does not do what it was asked, in its own words, and when to ask again if that can help."""
    text = what.filled(reason=Text(str(error), str(error)))
    if error.permanent:
        return ApiError(ErrorCode.PROVIDER_REJECTED, {"provider": provider.name}, text=text)
    return ApiError(
        ErrorCode.SERVICE_UNAVAILABLE,
        {"unavailable": [provider.name]},
        headers={"Retry-After": str(round(error.retry_after_s or UNAVAILABLE_RETRY_AFTER_S))},
        text=text,
    )


def _described(provider: Provider) -> ProviderBody:
    return ProviderBody(
        name=provider.name,
        configured=not provider.missing_settings,
        synthesis_mode=provider.synthesis_mode,
        max_speakers=min(provider.max_speakers, MAX_SPEAKERS),
        character_limit=provider.character_limit,
        output_formats=list(OUTPUT_FORMATS),
        advanced_features=list(provider.advanced_features),
        missing_settings=list(provider.missing_settings),
        styles=list(provider.delivery("").styles),
        takes_any_style=provider.delivery("").takes_any_style,
    )
