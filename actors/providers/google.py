"""Google Cloud Text-to-Speech by REST, with an API key. Segmented.

https://docs.cloud.google.com/text-to-speech/docs/reference/rest/v1/text/synthesize
https://docs.cloud.google.com/text-to-speech/docs/reference/rest/v1/voices/list
https://docs.cloud.google.com/text-to-speech/quotas
https://docs.cloud.google.com/docs/authentication/api-keys-use
read on 2026-11-28. It was never called with a real key.

The pages of Text-to-Speech itself speak of OAuth alone; that of Google Cloud's keys has the header that is used here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, FailFast, Field
from pydantic.alias_generators import to_camel

from actors.providers.answers import audio_in, packed_speech_bytes, parsed, unpacked
from actors.providers.http import VendorHttp
from actors.providers.problem import Problem, Text
from actors.providers.provider import Delivery, Line, ProviderError, SynthesisMode, Voice
from actors.providers.refusals import unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from actors.providers.voice_list import VoiceList
from storage.jobs import Script

#: Bytes of UTF-8: a Chinese character has three.
MAX_TURN_BYTES: Final = 5_000
SAMPLE_RATE_HZ: Final = 24_000

#: A voice begins with its language, which a request must repeat: cmn-TW-Wavenet-A. The voices that have a name alone
#: (Achernar) want a model to be named beside them, and are not spoken with here.
_VOICE_ID: Final = re.compile(r"([a-z]{2,3}-[A-Za-z0-9]{2,4})-[A-Za-z0-9-]{1,64}")

_DELIVERY: Final = Delivery(slowest=0.25, fastest=2.0)

_GENDERS: Final = frozenset({"female", "male", "neutral"})


class _Listed(BaseModel):
    """A voice as Google lists it. `language_codes` are BCP 47 tags."""

    model_config = ConfigDict(alias_generator=to_camel)

    name: str
    language_codes: tuple[str, ...] = ()
    ssml_gender: str = ""

    def as_voice(self) -> Voice:
        gender = self.ssml_gender.lower()
        language = self.language_codes[0] if self.language_codes else language_of(self.name)
        return Voice(self.name, self.name, language, gender if gender in _GENDERS else None)


class _Voices(BaseModel):
    voices: Annotated[list[_Listed], FailFast()]


class _Spoken(BaseModel):
    audio: str = Field(alias="audioContent")


class Google:
    """The provider `google`."""

    name = "google"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 10
    character_limit = 100_000
    advanced_features: Sequence[str] = ()
    calls_at_once = 16

    def __init__(self, settings: ProviderSettings) -> None:
        key = settings.google_tts_api_key.get_secret_value() if settings.google_tts_api_key else ""
        self._base_url = settings.google_tts_base_url
        self._key = {"X-Goog-Api-Key": key}
        self._http = VendorHttp(self.name, secrets=[key])
        self._listed = VoiceList(self._ask_for_voices)
        self.missing_settings: Sequence[str] = () if key else ("GOOGLE_TTS_API_KEY",)

    @property
    def fingerprint(self) -> str:
        """The format: the voice's own name says its model."""
        return f"google LINEAR16 {SAMPLE_RATE_HZ}"

    def delivery(self, voice_id: str) -> Delivery:
        """Speed alone."""
        return _DELIVERY

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """The voices of every language, at most an hour old.

        Raises:
            ProviderError: the list could not be had.
        """
        return self._listed.get(timeout_s)

    def known_voices(self) -> Sequence[Voice]:
        """The voices as the vendor listed them last."""
        return self._listed.known

    def fits(self, text: str) -> bool:
        """By its bytes."""
        return len(text.encode(errors="replace")) <= MAX_TURN_BYTES

    def check(self, script: Script) -> Sequence[Problem]:
        """Unknown voices (when the list has been asked for), turns that are too long or cannot be spoken."""
        listed = {voice.voice_id for voice in self._listed.known}

        def is_known(voice_id: str) -> bool:
            return _VOICE_ID.fullmatch(voice_id) is not None and (not listed or voice_id in listed)

        return [*unknown_voices(script, is_known), *_turns_of_too_many_bytes(script), *unspeakable_turns(script)]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as WAV, 16 bit mono at 24 kHz.

        Raises:
            ProviderError: Google refused, failed or was not done after `timeout_s` seconds.
        """
        request: dict[str, Any] = {
            "input": {"text": line.text},
            "voice": {"languageCode": language_of(line.voice_id), "name": line.voice_id},
            "audioConfig": {"audioEncoding": "LINEAR16", "sampleRateHertz": SAMPLE_RATE_HZ},
        }
        if line.speed != 1:
            request["audioConfig"]["speakingRate"] = line.speed
        answer = self._http.demand(
            "POST",
            f"{self._base_url}/v1/text:synthesize",
            timeout_s,
            headers=self._key | {"Content-Type": "application/json"},
            content=json.dumps(request).encode(),
            max_bytes=packed_speech_bytes(line.text),
        )
        spoken = parsed(self._http, _Spoken, answer.body, "an answer to what was to be spoken")
        return audio_in(self._http, unpacked(self._http, spoken.audio))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _ask_for_voices(self, timeout_s: float) -> Sequence[Voice]:
        """It comes in one piece: the protocol has no pages."""
        answer = self._http.demand("GET", f"{self._base_url}/v1/voices", timeout_s, headers=self._key)
        listed = parsed(self._http, _Voices, answer.body, "a list of voices").voices
        return tuple(voice.as_voice() for voice in listed if _VOICE_ID.fullmatch(voice.name))


def language_of(voice_id: str) -> str:
    """The language that a voice's name begins with, as `cmn-TW`.

    Raises:
        ProviderError: permanent, when it is no name of a voice.
    """
    named = _VOICE_ID.fullmatch(voice_id)
    if named is None:
        raise ProviderError("google has no such voice", permanent=True)
    return named[1]


def _turns_of_too_many_bytes(script: Script) -> Iterator[Problem]:
    for turn in script.turns:
        if len(turn.text.encode(errors="replace")) > MAX_TURN_BYTES:
            yield Problem(
                f"turns[{turn.index}].text",
                Text(
                    f"google 單一句最多 {MAX_TURN_BYTES} 位元組（約 1,666 個中文字），請分成幾句",
                    f"google takes at most {MAX_TURN_BYTES} bytes a turn, some 1,666 Chinese characters: split it",
                ),
            )
