"""Cartesia. Segmented.

https://docs.cartesia.ai/api-reference/tts/bytes
https://docs.cartesia.ai/api-reference/voices/list
https://docs.cartesia.ai/use-the-api/api-errors
https://docs.cartesia.ai/use-the-api/api-conventions
read on 2026-11-28. It was never called with a real key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from pydantic import BaseModel, FailFast

from actors.providers.answers import Page, audio_in, every_page, parsed
from actors.providers.http import VendorHttp, speech_bytes
from actors.providers.problem import Problem
from actors.providers.provider import Delivery, Line, SynthesisMode, Voice, primary_language
from actors.providers.refusals import too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from actors.providers.voice_list import VoiceList
from storage.jobs import Script

MAX_TURN_CHARACTERS: Final = 3_000

#: The day that Cartesia's own libraries name: fields and errors stay as they were on it.
VERSION: Final = "2026-08-14"

_OUTPUT_FORMAT: Final[Mapping[str, Any]] = {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 24_000}

_GENDERS: Final[Mapping[str, str]] = {"feminine": "female", "masculine": "male", "gender_neutral": "neutral"}

#: The API refuses every other.
_EMOTIONS: Final = (
    *("neutral", "happy", "excited", "enthusiastic", "elated", "euphoric", "triumphant", "amazed", "surprised"),
    *("flirtatious", "curious", "content", "peaceful", "serene", "calm", "grateful", "affectionate", "trust"),
    *("sympathetic", "anticipation", "mysterious", "angry", "mad", "outraged", "frustrated", "agitated", "threatened"),
    *("disgusted", "contempt", "envious", "sarcastic", "ironic", "sad", "dejected", "melancholic", "disappointed"),
    *("hurt", "guilty", "bored", "tired", "rejected", "nostalgic", "wistful", "apologetic", "hesitant", "insecure"),
    *("confused", "resigned", "anxious", "panicked", "alarmed", "scared", "proud", "confident", "distant"),
    *("skeptical", "contemplative", "determined"),
)
_SPEEDS: Final = (0.6, 1.5)
#: "Temporarily disabled", says the page of the controls.
_WITHOUT_SPEED: Final = "sonic-3.5"

#: Cartesia's tags where ours are more exact.
_LANGUAGES: Final[Mapping[str, str]] = {"nb": "no"}


class _Listed(BaseModel):
    """A voice as Cartesia lists it. `language` is of ISO 639-1."""

    id: str
    name: str | None = None
    language: str
    gender: str | None = None

    def as_voice(self) -> Voice:
        return Voice(self.id, self.name or self.id, self.language, _GENDERS.get(self.gender or ""))


class _Page(BaseModel):
    data: Annotated[list[_Listed], FailFast()]
    has_more: bool = False


class Cartesia:
    """The provider `cartesia`."""

    name = "cartesia"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 10
    character_limit = 100_000
    advanced_features: Sequence[str] = ()
    calls_at_once = 4  # the smaller plans allow from two to five

    def __init__(self, settings: ProviderSettings) -> None:
        key = settings.cartesia_api_key.get_secret_value() if settings.cartesia_api_key else ""
        self._base_url = settings.cartesia_base_url
        self._model = settings.cartesia_tts_model
        self._speeds = (1.0, 1.0) if self._model.startswith(_WITHOUT_SPEED) else _SPEEDS
        self._headers = {"Authorization": f"Bearer {key}", "Cartesia-Version": VERSION}
        self._http = VendorHttp(self.name, secrets=[key])
        self._listed = VoiceList(self._ask_for_voices)
        self.missing_settings: Sequence[str] = () if key else ("CARTESIA_API_KEY",)

    @property
    def fingerprint(self) -> str:
        """The model and the format."""
        return f"cartesia {self._model} wav pcm_s16le 24000"

    def delivery(self, voice_id: str) -> Delivery:
        """Emotions, and speed where the model has it."""
        return Delivery(*self._speeds, _EMOTIONS)

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """The voices of the library and of the account, at most an hour old.

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
        return [
            *unknown_voices(script, lambda voice_id: not listed or voice_id in listed),
            *too_long_turns(script, MAX_TURN_CHARACTERS),
            *unspeakable_turns(script),
        ]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as WAV, 16 bit mono at 24 kHz.

        Raises:
            ProviderError: Cartesia refused, failed or was not done after `timeout_s` seconds.
        """
        language = primary_language(line.language)
        request: dict[str, Any] = {
            "model_id": self._model,
            "transcript": line.text,
            "voice": {"mode": "id", "id": line.voice_id},
            "language": _LANGUAGES.get(language, language),
            "output_format": _OUTPUT_FORMAT,
        }
        directions = ({"speed": line.speed} if line.speed != 1 else {}) | (
            {"emotion": line.style} if line.style else {}
        )
        if directions:
            request["generation_config"] = directions
        answer = self._http.demand(
            "POST",
            f"{self._base_url}/tts/bytes",
            timeout_s,
            headers=self._headers | {"Content-Type": "application/json"},
            content=json.dumps(request).encode(),
            max_bytes=speech_bytes(line.text),
        )
        return audio_in(self._http, answer.body)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _ask_for_voices(self, timeout_s: float) -> Sequence[Voice]:
        return every_page(self.name, self._ask_for_page, timeout_s)

    def _ask_for_page(self, after: str | None, timeout_s: float) -> Page:
        query = urlencode({"limit": 100} | ({"starting_after": after} if after else {}))
        answer = self._http.demand("GET", f"{self._base_url}/voices?{query}", timeout_s, headers=self._headers)
        page = parsed(self._http, _Page, answer.body, "a list of voices")
        last = page.data[-1].id if page.data and page.has_more else None
        return map(_Listed.as_voice, page.data), last
