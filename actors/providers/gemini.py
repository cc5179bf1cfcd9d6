"""Google's Gemini API, its models that speak. Segmented.

https://ai.google.dev/gemini-api/docs/speech-generation
https://ai.google.dev/gemini-api/docs/models/gemini-3.8-flash-lite-tts
https://ai.google.dev/api/voices
https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/text-to-speech/migration-guide
https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/text-to-speech/prompting-guide
read on 2026-11-28. It was never called with a real key.

The models read a text word for word, but for what stands in angle brackets: <sigh> is a sigh.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, FailFast
from pydantic.alias_generators import to_camel

from actors.providers.answers import (
    Page,
    audio_in,
    every_page,
    packed_speech_bytes,
    parsed,
    samples_in,
    unpacked,
)
from actors.providers.http import VendorHttp
from actors.providers.problem import Problem
from actors.providers.provider import EVERY_LANGUAGE, Delivery, Line, SynthesisMode, Voice
from actors.providers.refusals import too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from actors.providers.voice_list import VoiceList
from storage.jobs import Script

#: An answer has at most 16,384 tokens, 25 of them a second: eleven minutes, of which this is nine in Chinese.
MAX_TURN_CHARACTERS: Final = 3_000

#: Why there is no audio, where asking again brings none either. Of the others, OTHER passes most often.
_REFUSED: Final = frozenset(
    {"SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "LANGUAGE", "MAX_TOKENS"}
)

#: What bare samples say of themselves: audio/L16;codec=pcm;rate=24000. A WAV file says it in its head.
_RATE: Final = re.compile(r"rate=(\d{4,6})")
_SAMPLE_RATE_HZ: Final = 24_000

#: Google says in its JSON how long to wait (google.rpc.RetryInfo).
_RETRY_DELAY: Final = re.compile(rb'"retryDelay":\s*"(\d{1,6}(?:\.\d{1,9})?)s"')

_GENDERS: Final = frozenset({"female", "male", "neutral"})


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _InlineData(_Camel):
    mime_type: str = ""
    data: str = ""


class _Part(_Camel):
    inline_data: _InlineData | None = None


class _Content(_Camel):
    parts: tuple[_Part, ...] = ()


class _Candidate(_Camel):
    content: _Content = _Content()
    finish_reason: str = ""


class _Feedback(_Camel):
    block_reason: str = ""


class _Generated(_Camel):
    candidates: tuple[_Candidate, ...] = ()
    prompt_feedback: _Feedback = _Feedback()


class _Listed(BaseModel):
    """A voice as Gemini lists it. `language_code` is the one it has its accent from: it reads every language."""

    id: str
    display_name: str | None = None
    gender: str | None = None

    def as_voice(self) -> Voice:
        gender = (self.gender or "").lower()
        return Voice(self.id, self.display_name or self.id, EVERY_LANGUAGE, gender if gender in _GENDERS else None)


class _Page(BaseModel):
    voices: Annotated[list[_Listed], FailFast()] = []
    next_page_token: str | None = None


class Gemini:
    """The provider `gemini`."""

    name = "gemini"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 10
    character_limit = 100_000
    advanced_features: Sequence[str] = ()
    calls_at_once = 4  # its limits are requests a minute, and few

    def __init__(self, settings: ProviderSettings) -> None:
        key = settings.gemini_api_key.get_secret_value() if settings.gemini_api_key else ""
        self._base_url = settings.gemini_base_url
        self._model = settings.gemini_tts_model
        self._key = {"x-goog-api-key": key}
        self._http = VendorHttp(self.name, secrets=[key])
        self._listed = VoiceList(self._ask_for_voices)
        self.missing_settings: Sequence[str] = () if key else ("GEMINI_API_KEY",)

    @property
    def fingerprint(self) -> str:
        """The model."""
        return f"gemini {self._model}"

    def delivery(self, voice_id: str) -> Delivery:
        """A style in words; the pace is a part of it, and no number."""
        return Delivery(takes_any_style=True)

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """The voices of the account and then Google's own, at most an hour old.

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
        """One turn as WAV.

        Raises:
            ProviderError: Gemini refused, failed, was not done after `timeout_s` seconds, or said nothing.
        """
        part: dict[str, Any] = {"text": line.text}
        if line.style:
            part["speechMetadata"] = {"style": line.style}
        request: dict[str, Any] = {
            "contents": [{"role": "user", "parts": [part]}],
            "generationConfig": {
                "responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"voice": line.voice_id}},
            },
        }
        answer = self._http.ask(
            "POST",
            f"{self._base_url}/v1beta/models/{quote(self._model, safe='')}:generateContent",
            timeout_s,
            headers=self._key | {"Content-Type": "application/json"},
            content=json.dumps(request).encode(),
            max_bytes=packed_speech_bytes(line.text),
        )
        if not answer.is_success:
            refusal = self._http.refusal(answer)
            if refusal.retry_after_s is None and (delay := _RETRY_DELAY.search(answer.body)):
                refusal.retry_after_s = float(delay[1])
            raise refusal
        return self._audio_of(parsed(self._http, _Generated, answer.body, "an answer to what was to be spoken"))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _audio_of(self, generated: _Generated) -> bytes:
        first = generated.candidates[0] if generated.candidates else _Candidate()
        reason = generated.prompt_feedback.block_reason or first.finish_reason
        blobs = [part.inline_data for part in first.content.parts if part.inline_data is not None]
        if reason == "MAX_TOKENS":
            raise self._http.error("has cut the audio short: split this turn", permanent=True)
        if not blobs or generated.prompt_feedback.block_reason:
            is_refused = bool(generated.prompt_feedback.block_reason) or reason in _REFUSED
            raise self._http.error(f"said nothing: {reason or 'no reason given'}", permanent=is_refused)
        sound = b"".join(unpacked(self._http, blob.data) for blob in blobs)
        if sound.startswith(b"RIFF"):
            return audio_in(self._http, sound)
        rate = _RATE.search(blobs[0].mime_type)
        return samples_in(self._http, sound, int(rate[1]) if rate else _SAMPLE_RATE_HZ)

    def _ask_for_voices(self, timeout_s: float) -> Sequence[Voice]:
        return every_page(self.name, self._ask_for_page, timeout_s)

    def _ask_for_page(self, token: str | None, timeout_s: float) -> Page:
        query = urlencode({"page_size": 100} | ({"page_token": token} if token else {}))
        answer = self._http.demand("GET", f"{self._base_url}/v1beta/voices?{query}", timeout_s, headers=self._key)
        page = parsed(self._http, _Page, answer.body, "a list of voices")
        return map(_Listed.as_voice, page.voices), page.next_page_token
