"""OpenAI, and every server that speaks its protocol: Kokoro-FastAPI, speaches, LocalAI, ... Segmented.

https://developers.openai.com/api/reference/resources/audio/subresources/speech/methods/create
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

from actors.audio.wav import NotAudio, audio_file, wav_of
from actors.providers.connection import Answer
from actors.providers.http import VendorHttp, speech_bytes
from actors.providers.json_answer import NotJson, read_json
from actors.providers.problem import Problem
from actors.providers.provider import EVERY_LANGUAGE, Delivery, Line, SynthesisMode, Voice
from actors.providers.refusals import too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from actors.providers.voice_list import VoiceList
from storage.jobs import Script

MAX_TURN_CHARACTERS: Final = 4096

#: What OpenAI's `pcm` is: 16 bit little-endian, mono.
PCM_SAMPLE_RATE_HZ: Final = 24_000

#: OpenAI has no list to ask for.
OPENAI_VOICES: Final = (
    *("alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse"),
    *("marin", "cedar"),
)

_SLOWEST: Final = 0.25
_FASTEST: Final = 4.0
#: Models that do not follow instructions; Kokoro is what compatible servers have most often.
_WITHOUT_INSTRUCTIONS: Final = frozenset({"tts-1", "tts-1-hd", "kokoro"})

#: How a server says that it does not list its voices.
_NO_SUCH_LIST: Final = frozenset({400, 404, 405, 422, 501})

_PCM_TYPES: Final = ("audio/pcm", "audio/l16")


class OpenAI:
    """The provider `openai`."""

    name = "openai"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 6
    character_limit = 100_000
    advanced_features: Sequence[str] = ()
    calls_at_once = 16

    def __init__(self, settings: ProviderSettings) -> None:
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
        self._base_url = settings.openai_base_url
        self._model = settings.openai_tts_model
        self._is_openai_itself = f".{urlsplit(self._base_url).hostname}".endswith(".api.openai.com")
        self._own_voices = _named(settings.openai_tts_voices or OPENAI_VOICES)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._http = VendorHttp(self.name, secrets=[key])
        self._listed = VoiceList(self._ask_for_voices)
        self.missing_settings: Sequence[str] = ("OPENAI_API_KEY",) if self._is_openai_itself and not key else ()

    @property
    def fingerprint(self) -> str:
        """The server and the model."""
        address = urlsplit(self._base_url)
        return f"{address.hostname}:{address.port or ''}{address.path} {self._model}"

    def delivery(self, voice_id: str) -> Delivery:
        """Speed, and instructions in words where the model follows them."""
        return Delivery(_SLOWEST, _FASTEST, takes_any_style=self._model not in _WITHOUT_INSTRUCTIONS)

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """OpenAI's own voices; of another server those that it lists, else `OPENAI_TTS_VOICES`.

        Raises:
            ProviderError: the other server failed to answer.
        """
        return self._own_voices if self._is_openai_itself else self._listed.get(timeout_s)

    def known_voices(self) -> Sequence[Voice]:
        """OpenAI's own, or those that another server listed last."""
        return self._own_voices if self._is_openai_itself else self._listed.known

    def fits(self, text: str) -> bool:
        """By its characters."""
        return len(text) <= MAX_TURN_CHARACTERS

    def check(self, script: Script) -> Sequence[Problem]:
        """Turns that are too long or have nothing to say, and voices that OpenAI does not have.

        Another server's voices are its own affair: some take mixtures, as `af_bella(2)+af_sky`, that no list has.
        """
        own = {voice.voice_id for voice in self._own_voices}
        return [
            *unknown_voices(script, lambda voice_id: voice_id in own or not self._is_openai_itself),
            *too_long_turns(script, MAX_TURN_CHARACTERS),
            *unspeakable_turns(script),
        ]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as WAV, or as whatever audio the server gives instead.

        Raises:
            ProviderError: the server refused, failed or was not done after `timeout_s` seconds.
        """
        request: dict[str, Any] = {
            "model": self._model,
            "input": line.text,
            "voice": line.voice_id,
            "response_format": "wav",
        }
        if line.speed != 1:
            request["speed"] = line.speed
        if line.style and self._model not in _WITHOUT_INSTRUCTIONS:
            request["instructions"] = f"Speak in this manner: {line.style}."
        if not self._is_openai_itself:
            request["stream"] = False  # Kokoro-FastAPI streams otherwise; OpenAI has no such field
        answer = self._http.demand(
            "POST",
            f"{self._base_url}/audio/speech",
            timeout_s,
            headers=self._headers,
            content=json.dumps(request).encode(),
            max_bytes=speech_bytes(line.text),
        )
        try:
            return _audio_in(answer)
        except NotAudio as error:
            raise self._http.error(f"was asked to speak, but {error}", permanent=False) from error

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _ask_for_voices(self, timeout_s: float) -> Sequence[Voice]:
        url = f"{self._base_url}/audio/voices?{urlencode({'model': self._model})}"
        answer = self._http.ask("GET", url, timeout_s, headers=self._headers)
        if not answer.is_success and answer.status not in _NO_SUCH_LIST:
            raise self._http.refusal(answer)
        listed = tuple(_voices_in(answer.body)) if answer.is_success else ()
        return listed or self._own_voices


def _named(names: Sequence[str]) -> tuple[Voice, ...]:
    return tuple(Voice(name, name.capitalize(), EVERY_LANGUAGE) for name in names)


def _audio_in(answer: Answer) -> bytes:
    if answer.headers.get("content-type", "").lower().startswith(_PCM_TYPES):
        return wav_of(answer.body, PCM_SAMPLE_RATE_HZ)
    return audio_file(answer.body)


def _voices_in(body: bytes) -> Iterator[Voice]:
    """The voices in any of the shapes that are about: `{"voices": [...]}`, `{"data": [...]}` or the bare list, of
    names or of objects with an id, a name or both."""
    try:
        answer = read_json(body)
    except NotJson:
        return
    if isinstance(answer, Mapping):
        fields = cast("Mapping[str, Any]", answer)
        answer = fields.get("voices") or fields.get("data")
    for voice in cast("list[Any]", answer) if isinstance(answer, list) else []:
        yield from _voice_in(voice)


def _voice_in(listed: Any) -> Iterator[Voice]:
    if isinstance(listed, str):
        listed = {"id": listed}
    if not isinstance(listed, Mapping):
        return
    voice = cast("Mapping[str, Any]", listed)
    voice_id = voice.get("id") or voice.get("voice_id") or voice.get("name")
    if isinstance(voice_id, str):
        language, gender = voice.get("language"), voice.get("gender")
        yield Voice(
            voice_id=voice_id,
            voice_name=str(voice.get("name") or voice_id),
            language=language if isinstance(language, str) and language else EVERY_LANGUAGE,
            gender=gender if isinstance(gender, str) and gender else None,
        )
