"""The stand-in for ElevenLabs.

https://elevenlabs.io/docs/api-reference/text-to-speech/convert
https://elevenlabs.io/docs/eleven-api/resources/errors
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.standins import tone
from tests.standins.server import Call, Reply, StandIn, path_of

KEY: Final = "sk_standin_elevenlabs_4f9a"
#: The model, and how many characters it takes at once.
MODELS: Final = {"eleven_multilingual_v2": 10_000, "eleven_flash_v2_5": 40_000, "eleven_v3": 5_000}
_AUDIO_TAG: Final = re.compile(r"\[([^\[\]]{1,200})\] ")
_SPEECH: Final = "/v1/text-to-speech/"


def _voice(voice_id: str, name: str, gender: str) -> Mapping[str, Any]:
    labels = {"accent": "standard", "gender": gender, "language": "en"}
    return {"voice_id": voice_id, "name": name, "category": "premade", "labels": labels, "verified_languages": []}


VOICES: Final = (
    _voice("EXAVITQu4vr4xnSDxMaL", "Sarah", "female"),
    _voice("JBFqnCBsd6RMkjVDRZzb", "George", "male"),
    _voice("SAz9YHcvj6GT2YYXdXww", "River", "non-binary"),
)


class ElevenLabsStandIn(StandIn):
    """Speaks `POST /v1/text-to-speech/{voice_id}` and lists its voices, two a page."""

    name: ClassVar[str] = "elevenlabs"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""
        return {"ELEVENLABS_API_KEY": KEY, "ELEVENLABS_BASE_URL": self.url}

    def parse(self, body: bytes) -> Any:
        """The JSON."""
        return json.loads(body) if body else None

    def answer(self, call: Call) -> Reply:
        """The route table of the vendor."""
        if call.headers.get("xi-api-key") != KEY:
            return _error(401, "authentication_error", "invalid_api_key", "Invalid API key")
        path, query = path_of(call), parse_qs(urlsplit(call.path).query)
        if call.method == "POST" and path.startswith(_SPEECH):
            return self._speech(call, path.removeprefix(_SPEECH), query)
        if call.method == "GET" and path == "/v2/voices":
            return _page(query)
        return _error(404, "not_found", "not_found", "Not Found")

    def _speech(self, call: Call, voice_id: str, query: Mapping[str, list[str]]) -> Reply:
        asked = call.body
        if call.headers.get("content-type") != "application/json" or not isinstance(asked, dict) or not asked["text"]:
            return Reply.of_json(422, {"detail": [{"loc": ["body", "text"], "msg": "Field required"}]})
        if query.get("output_format") != ["wav_24000"]:
            return _error(400, "validation_error", "invalid_output_format", "the stand-in speaks wav_24000 only")
        model = asked.get("model_id", "eleven_multilingual_v2")
        if model not in MODELS:
            return _error(400, "validation_error", "model_not_found", f"A model with model ID {model} does not exist")
        if model == "eleven_multilingual_v2" and "language_code" in asked:
            return _error(400, "validation_error", "unsupported_language", f"Model '{model}' takes no language_code")
        if len(asked["text"]) > MODELS[model]:
            return _error(400, "validation_error", "max_character_limit_exceeded", "This request's text is too long")
        if voice_id not in {voice["voice_id"] for voice in VOICES}:
            return _error(404, "not_found", "voice_not_found", f"A voice with ID '{voice_id}' was not found.")
        speed = asked.get("voice_settings", {}).get("speed", 1.0)
        if not 0.7 <= speed <= 1.2:
            return _error(400, "validation_error", "invalid_voice_settings", "speed must be from 0.7 to 1.2")
        tag = _AUDIO_TAG.match(asked["text"]) if model == "eleven_v3" else None
        text, style = (asked["text"][tag.end() :], tag[1]) if tag else (asked["text"], None)
        return Reply(200, tone.wav(text, voice_id, speed, style), {"Content-Type": "audio/wav"})

    def too_many_calls(self, retry_after_s: float) -> Reply:
        """More at once than the plan allows."""
        refused = _error(429, "rate_limit_error", "concurrent_limit_exceeded", "Too many concurrent requests.")
        return Reply(429, refused.body, {**refused.headers, "Retry-After": f"{retry_after_s:g}"})


def _page(query: Mapping[str, list[str]]) -> Reply:
    size = int(query.get("page_size", ["10"])[0])
    if not 1 <= size <= 100:
        return _error(422, "validation_error", "invalid_parameters", "page_size must be from 1 to 100")
    first = int(query.get("next_page_token", ["0"])[0])
    after = first + 2
    more = after < len(VOICES)
    page = {"voices": VOICES[first:after], "has_more": more, "total_count": len(VOICES)}
    return Reply.of_json(200, page | {"next_page_token": str(after) if more else None})


def _error(status: int, kind: str, code: str, message: str) -> Reply:
    detail = {"type": kind, "code": code, "message": message, "status": code, "request_id": "0f", "param": None}
    return Reply.of_json(status, {"detail": detail})
