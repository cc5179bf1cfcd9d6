"""Which providers there are, and their voices."""

from __future__ import annotations

from typing import Final

import structlog
from litestar import get
from litestar.params import FromPath, FromQuery

from actors.providers.provider import Provider, ProviderError, Voice
from service.errors import UNAVAILABLE_RETRY_AFTER_S, ApiError
from service.messages import ErrorCode, Text
from service.resources import Given
from service.schemas import MAX_SPEAKERS, OUTPUT_FORMATS, ProviderBody, ProviderList, VoiceBody, VoiceList

log = structlog.get_logger()

#: A vendor's list of voices that does not come within so many seconds is given up.
VOICES_TIMEOUT_S: Final = 10.0

_VOICES_AWAY: Final = Text("無法取得語音清單：{reason}", "The provider's voices cannot be had: {reason}")


@get("/providers", sync_to_thread=True)
def list_providers(resources: Given) -> ProviderList:
    """Every provider, configured or not."""
    return ProviderList(items=[_described(provider) for provider in resources.providers.values()])


@get("/providers/{name:str}/voices", sync_to_thread=True)
def list_voices(resources: Given, name: FromPath[str], language: FromQuery[str | None] = None) -> VoiceList:
    """The voices of a provider, those of one language if asked."""
    provider = resources.providers.get(name)
    if provider is None:
        raise ApiError(ErrorCode.UNKNOWN_PROVIDER, status=404)
    if provider.missing_settings:
        missing = {"missing_settings": list(provider.missing_settings)}
        raise ApiError(ErrorCode.PROVIDER_NOT_CONFIGURED, missing, status=409)
    return VoiceList(
        items=[
            VoiceBody(voice_id=v.voice_id, voice_name=v.voice_name, language=v.language, gender=v.gender)
            for v in _voices_of(provider)
            if not language or _suits(v, language.lower())
        ]
    )


def _suits(voice: Voice, wanted: str) -> bool:
    """Whether a voice is within a range of languages, as `zh-TW` is within `zh` (RFC 4647, 3.3.1), or suits it else.

    Mandarin of no region suits zh-TW; a voice of no language suits all.
    """
    tag = voice.language.lower()
    return tag == wanted or tag.startswith(f"{wanted}-") or voice.speaks(wanted)


def _voices_of(provider: Provider) -> list[Voice]:
    try:
        return list(provider.voices(VOICES_TIMEOUT_S))
    except ProviderError as error:
        log.warning("voices_unavailable", provider=provider.name, reason=str(error))
        reason = str(error)
        raise ApiError(
            ErrorCode.SERVICE_UNAVAILABLE,
            {"unavailable": [provider.name]},
            headers={"Retry-After": str(round(error.retry_after_s or UNAVAILABLE_RETRY_AFTER_S))},
            text=Text(_VOICES_AWAY("zh", reason=reason), _VOICES_AWAY("en", reason=reason)),
        ) from error


def _described(provider: Provider) -> ProviderBody:
    return ProviderBody(
        name=provider.name,
        configured=not provider.missing_settings,
        synthesis_mode=provider.synthesis_mode,
        max_speakers=min(provider.max_speakers, MAX_SPEAKERS),
        character_limit=provider.character_limit,
        output_formats=list(OUTPUT_FORMATS),
        advanced_features=list(provider.advanced_features),
    )
