"""Deepgram's Aura voices. Segmented. They speak English, Spanish and other languages, but no Chinese.

https://developers.deepgram.com/reference/text-to-speech/speak-request
https://developers.deepgram.com/docs/model-metadata
https://developers.deepgram.com/docs/tts-models-languages-overview
https://developers.deepgram.com/docs/tts-voice-controls
https://developers.deepgram.com/reference/errors
read on 2026-11-28. It was never called with a real key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final
from urllib.parse import urlencode

from pydantic import BaseModel, FailFast

from actors.providers.answers import audio_in, parsed
from actors.providers.http import VendorHttp, speech_bytes
from actors.providers.problem import Problem
from actors.providers.provider import Delivery, Line, ProviderError, SynthesisMode, Voice
from actors.providers.refusals import too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from actors.providers.voice_list import VoiceList
from storage.jobs import Script

MAX_TURN_CHARACTERS: Final = 2_000

_FORMAT: Final[Mapping[str, str]] = {"encoding": "linear16", "container": "wav", "sample_rate": "24000"}

#: The voice is the model: aura-2-thalia-en. It is part of a query.
_VOICE_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")

#: Other models that speak (flux) have a protocol of their own.
_ARCHITECTURE: Final = "aura"

#: In early access: an account without it is refused.
_SPEEDS: Final = (0.7, 1.5)
_WITH_SPEED: Final = ("-en", "-es")

_GENDERS: Final[Mapping[str, str]] = {"feminine": "female", "masculine": "male"}


class _Metadata(BaseModel):
    tags: tuple[str, ...] = ()


class _Listed(BaseModel):
    """A model that speaks, as Deepgram lists it, of which we want five of some ten fields."""

    name: str | None = None
    canonical_name: str
    architecture: str = ""
    languages: tuple[str, ...] = ()
    metadata: _Metadata | None = None

    def as_voice(self) -> Voice:
        """`languages` names the language alone and with its region: the longest says most."""
        language = max(self.languages, key=len, default=self.canonical_name.rpartition("-")[2])
        tags = self.metadata.tags if self.metadata else ()
        gender = next((_GENDERS[tag] for tag in tags if tag in _GENDERS), None)
        return Voice(self.canonical_name, (self.name or self.canonical_name).capitalize(), language, gender)


class _Models(BaseModel):
    tts: Annotated[list[_Listed], FailFast()]


class Deepgram:
    """The provider `deepgram`."""

    name = "deepgram"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 10
    character_limit = 100_000
    advanced_features: Sequence[str] = ()
    calls_at_once = 8  # of the fifteen that an account has

    def __init__(self, settings: ProviderSettings) -> None:
        key = settings.deepgram_api_key.get_secret_value() if settings.deepgram_api_key else ""
        self._base_url = settings.deepgram_base_url
        self._key = {"Authorization": f"Token {key}"}
        self._http = VendorHttp(self.name, secrets=[key])
        self._listed = VoiceList(self._ask_for_voices)
        self.missing_settings: Sequence[str] = () if key else ("DEEPGRAM_API_KEY",)

    @property
    def fingerprint(self) -> str:
        """The format: the voice is the model."""
        return f"deepgram {' '.join(_FORMAT.values())}"

    def delivery(self, voice_id: str) -> Delivery:
        """Speed, of English and Spanish voices; it has no styles."""
        return Delivery(*_SPEEDS) if voice_id.endswith(_WITH_SPEED) else Delivery()

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """The voices of Aura, at most an hour old.

        Raises:
            ProviderError: the list could not be had.
        """
        return self._listed.get(timeout_s)

    def known_voices(self) -> Sequence[Voice]:
        """The voices as the vendor listed them last."""
        return self._listed.known

    def fits(self, text: str) -> bool:
        """By its characters."""
        return len(text) <= MAX_TURN_CHARACTERS

    def check(self, script: Script) -> Sequence[Problem]:
        """Unknown voices (when the list has been asked for), turns that are too long or cannot be spoken."""
        listed = {voice.voice_id for voice in self._listed.known}

        def is_known(voice_id: str) -> bool:
            return _VOICE_ID.fullmatch(voice_id) is not None and (not listed or voice_id in listed)

        return [
            *unknown_voices(script, is_known),
            *too_long_turns(script, MAX_TURN_CHARACTERS),
            *unspeakable_turns(script),
        ]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as WAV, 16 bit mono at 24 kHz.

        Raises:
            ProviderError: Deepgram refused, failed or was not done after `timeout_s` seconds.
        """
        if not _VOICE_ID.fullmatch(line.voice_id):
            raise ProviderError("deepgram has no such voice", permanent=True)
        query = {"model": line.voice_id, **_FORMAT} | ({"speed": f"{line.speed:g}"} if line.speed != 1 else {})
        answer = self._http.demand(
            "POST",
            f"{self._base_url}/v1/speak?{urlencode(query)}",
            timeout_s,
            headers=self._key | {"Content-Type": "application/json"},
            content=json.dumps({"text": line.text}).encode(),
            max_bytes=speech_bytes(line.text),
        )
        return audio_in(self._http, answer.body)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _ask_for_voices(self, timeout_s: float) -> Sequence[Voice]:
        """It comes in one piece: the protocol has no pages."""
        answer = self._http.demand("GET", f"{self._base_url}/v1/models", timeout_s, headers=self._key)
        models = parsed(self._http, _Models, answer.body, "a list of voices").tts
        voices = (model.as_voice() for model in models if model.architecture.startswith(_ARCHITECTURE))
        return tuple({voice.voice_id: voice for voice in voices}.values())
