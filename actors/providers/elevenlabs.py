"""ElevenLabs. Segmented.

https://elevenlabs.io/docs/api-reference/text-to-speech/convert
https://elevenlabs.io/docs/api-reference/voices/search
https://elevenlabs.io/docs/eleven-api/resources/errors
https://elevenlabs.io/docs/best-practices/prompting/eleven-v3
read on 2026-11-28. It was never called with a real key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel, FailFast

from actors.providers.answers import Page, audio_in, every_page, parsed
from actors.providers.http import VendorHttp, speech_bytes
from actors.providers.problem import Problem
from actors.providers.provider import (
    EVERY_LANGUAGE,
    Delivery,
    Line,
    ProviderError,
    SynthesisMode,
    Voice,
    primary_language,
)
from actors.providers.refusals import too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from actors.providers.voice_list import VoiceList
from storage.jobs import Script

#: Every plan has it; 44.1 kHz wants a larger one.
OUTPUT_FORMAT: Final = "wav_24000"

#: At most so many characters a turn, by the model.
_TURN_CHARACTERS: Final[Mapping[str, int]] = {
    "eleven_flash_v2": 30_000,
    "eleven_flash_v2_5": 40_000,
    "eleven_multilingual_v2": 10_000,
}
#: Of eleven_v3, and of models that are not known here.
_FEWEST_TURN_CHARACTERS: Final = 5_000

#: They hear the language in the text, and take no field that names it.
_NAMED_NO_LANGUAGE: Final = frozenset({"eleven_multilingual_v2", "eleven_flash_v2"})

_SLOWEST: Final = 0.7
_FASTEST: Final = 1.2
#: Models of this family take a style as a tag before the text: [whispering].
_FOLLOWS_TAGS: Final = "eleven_v3"
_BRACKETS: Final = str.maketrans("", "", "[]")

#: An id is part of a path.
_VOICE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

_GENDERS: Final = frozenset({"female", "male", "neutral"})


class _Listed(BaseModel):
    """A voice as ElevenLabs lists it, of which we want three of some twenty fields."""

    voice_id: str
    name: str | None = None
    labels: Mapping[str, Any] | None = None

    def as_voice(self) -> Voice:
        """Each voice speaks every language of the model."""
        gender = str((self.labels or {}).get("gender", "")).lower()
        return Voice(self.voice_id, self.name or self.voice_id, EVERY_LANGUAGE, gender if gender in _GENDERS else None)


class _Page(BaseModel):
    voices: Annotated[list[_Listed], FailFast()]
    has_more: bool = False
    next_page_token: str | None = None


class ElevenLabs:
    """The provider `elevenlabs`."""

    name = "elevenlabs"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 10
    character_limit = 100_000
    advanced_features: Sequence[str] = ()
    calls_at_once = 4  # the smaller plans allow from two to five

    def __init__(self, settings: ProviderSettings) -> None:
        key = settings.elevenlabs_api_key.get_secret_value() if settings.elevenlabs_api_key else ""
        self._base_url = settings.elevenlabs_base_url
        self._model = settings.elevenlabs_tts_model
        self._follows_tags = self._model.startswith(_FOLLOWS_TAGS)
        self._key = {"xi-api-key": key}
        self._http = VendorHttp(self.name, secrets=[key])
        self._listed = VoiceList(self._ask_for_voices)
        self.missing_settings: Sequence[str] = () if key else ("ELEVENLABS_API_KEY",)

    @property
    def fingerprint(self) -> str:
        """The model and the format."""
        return f"elevenlabs {self._model} {OUTPUT_FORMAT}"

    def delivery(self, voice_id: str) -> Delivery:
        """Speed, and audio tags in words where the model follows them."""
        return Delivery(_SLOWEST, _FASTEST, takes_any_style=self._follows_tags)

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """The voices of the account, at most an hour old.

        Raises:
            ProviderError: the list could not be had.
        """
        return self._listed.get(timeout_s)

    def known_voices(self) -> Sequence[Voice]:
        """The voices as the vendor listed them last."""
        return self._listed.known

    def fits(self, text: str) -> bool:
        """By its characters, as many as the model takes."""
        return len(text) <= _TURN_CHARACTERS.get(self._model, _FEWEST_TURN_CHARACTERS)

    def check(self, script: Script) -> Sequence[Problem]:
        """Unknown voices (when the list has been asked for), turns that are too long or cannot be spoken."""
        listed = {voice.voice_id for voice in self._listed.known}

        def is_known(voice_id: str) -> bool:
            return _VOICE_ID.fullmatch(voice_id) is not None and (not listed or voice_id in listed)

        return [
            *unknown_voices(script, is_known),
            *too_long_turns(script, _TURN_CHARACTERS.get(self._model, _FEWEST_TURN_CHARACTERS)),
            *unspeakable_turns(script),
        ]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as WAV, 16 bit mono at 24 kHz.

        Raises:
            ProviderError: ElevenLabs refused, failed or was not done after `timeout_s` seconds.
        """
        if not _VOICE_ID.fullmatch(line.voice_id):
            raise ProviderError("elevenlabs has no such voice", permanent=True)
        request: dict[str, Any] = {"text": self._directed(line), "model_id": self._model}
        if line.speed != 1:
            request["voice_settings"] = {"speed": line.speed}
        if self._model not in _NAMED_NO_LANGUAGE:
            request["language_code"] = primary_language(line.language)
        voice = quote(line.voice_id, safe="")
        answer = self._http.demand(
            "POST",
            f"{self._base_url}/v1/text-to-speech/{voice}?{urlencode({'output_format': OUTPUT_FORMAT})}",
            timeout_s,
            headers=self._key | {"Content-Type": "application/json"},
            content=json.dumps(request).encode(),
            max_bytes=speech_bytes(line.text),
        )
        return audio_in(self._http, answer.body)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _directed(self, line: Line) -> str:
        if not line.style or not self._follows_tags:
            return line.text
        return f"[{line.style.translate(_BRACKETS)}] {line.text}"

    def _ask_for_voices(self, timeout_s: float) -> Sequence[Voice]:
        return every_page(self.name, self._ask_for_page, timeout_s)

    def _ask_for_page(self, token: str | None, timeout_s: float) -> Page:
        query = urlencode({"page_size": 100} | ({"next_page_token": token} if token else {}))
        answer = self._http.demand("GET", f"{self._base_url}/v2/voices?{query}", timeout_s, headers=self._key)
        page = parsed(self._http, _Page, answer.body, "a list of voices")
        return map(_Listed.as_voice, page.voices), page.next_page_token if page.has_more else None
