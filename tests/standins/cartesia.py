"""The stand-in for Cartesia.

https://docs.cartesia.ai/api-reference/tts/bytes
https://docs.cartesia.ai/use-the-api/api-errors
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.standins import tone
from tests.standins.server import Call, Reply, StandIn, path_of

KEY: Final = "sk_car_standin_4f9a"
MODELS: Final = ("sonic-3.5", "sonic-3")
LANGUAGES: Final = ("en", "zh", "ja", "no", "de")
#: Some of those that it has.
EMOTIONS: Final = ("neutral", "happy", "sad", "angry", "excited", "calm", "scared")
_FORMAT: Final = {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 24000}


def _voice(voice_id: str, name: str, language: str, gender: str | None) -> Mapping[str, Any]:
    return {"id": voice_id, "name": name, "language": language, "gender": gender, "is_owner": False, "is_public": True}


VOICES: Final = (
    _voice("e90c6678-f0d3-4767-9883-5d0ecf5894a8", "Yue", "zh", "feminine"),
    _voice("eda5bbff-1ff1-4886-8ef1-4e69a77640a0", "Hua", "zh", "masculine"),
    _voice("f786b574-daa5-4673-aa0c-cbe3e8534c02", "Katie", "en", "feminine"),
    _voice("a5136bf9-224c-4d76-b823-52bd5efcffcc", "Jameson", "en", None),
)


class CartesiaStandIn(StandIn):
    """Speaks `POST /tts/bytes` and lists its voices, three a page."""

    name: ClassVar[str] = "cartesia"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""
        return {"CARTESIA_API_KEY": KEY, "CARTESIA_BASE_URL": self.url}

    def parse(self, body: bytes) -> Any:
        """The JSON."""
        return json.loads(body) if body else None

    def answer(self, call: Call) -> Reply:
        """The route table of the vendor."""
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "unauthorized", "Unauthorized", "The API key is invalid.")
        if call.headers.get("cartesia-version") != "2026-08-14":
            return _error(400, "invalid_version", "Invalid version", "Cartesia-Version is missing or unknown.")
        match call.method, path_of(call):
            case "POST", "/tts/bytes":
                return self._speech(call)
            case "GET", "/voices":
                return _page(parse_qs(urlsplit(call.path).query))
            case _:
                return _error(404, None, "Not found", "There is no such route.")

    def _speech(self, call: Call) -> Reply:
        asked = call.body
        if call.headers.get("content-type") != "application/json" or not isinstance(asked, dict):
            return _error(400, "invalid_request", "Invalid request", "The body is no JSON object.")
        if not asked.get("transcript"):
            return _error(400, "invalid_request", "Invalid request", "transcript is required")
        if asked.get("model_id") not in MODELS:
            return _error(404, "model_not_found", "Model not found", f"{asked.get('model_id')} is no model.")
        if asked.get("output_format") != _FORMAT:
            return _error(400, "invalid_request", "Invalid request", "the stand-in speaks wav, pcm_s16le, 24000 only")
        if asked.get("language") not in LANGUAGES:
            return _error(400, "invalid_language", "Invalid language", f"{asked.get('language')} is not supported.")
        voice = asked.get("voice")
        known = {one["id"] for one in VOICES}
        if not isinstance(voice, dict) or voice.get("mode") != "id" or voice.get("id") not in known:
            return _error(404, "voice_not_found", "Voice not found", "The voice was not found.")
        directions = asked.get("generation_config", {})
        speed, emotion = directions.get("speed", 1.0), directions.get("emotion")
        if not 0.6 <= speed <= 1.5 or (speed != 1 and asked["model_id"] == "sonic-3.5"):
            return _error(400, "invalid_request", "Invalid request", "speed is not available")
        if emotion not in {None, *EMOTIONS}:
            return _error(400, "invalid_request", "Invalid request", f"{emotion} is no emotion")
        return Reply(200, tone.wav(asked["transcript"], voice["id"], speed, emotion), {"Content-Type": "audio/wav"})

    def too_many_calls(self, retry_after_s: float) -> Reply:
        """More at once than the plan allows."""
        words = "You have exceeded your plan's concurrency limit."
        refused = _error(429, "concurrency_limited", "Too many concurrent requests", words)
        return Reply(429, refused.body, {**refused.headers, "Retry-After": f"{retry_after_s:g}"})


def _page(query: Mapping[str, list[str]]) -> Reply:
    if not 1 <= int(query.get("limit", ["10"])[0]) <= 100:
        return _error(400, "invalid_request", "Invalid request", "limit must be from 1 to 100")
    ids = [voice["id"] for voice in VOICES]
    after = query.get("starting_after", [None])[0]
    first = ids.index(after) + 1 if after in ids else 0
    more = first + 3 < len(ids)
    return Reply.of_json(200, {"data": VOICES[first : first + 3], "has_more": more})


def _error(status: int, code: str | None, title: str, message: str) -> Reply:
    return Reply.of_json(status, {"error_code": code, "title": title, "message": message, "request_id": "550e8400"})
