"""The stand-in for Deepgram.

https://developers.deepgram.com/reference/text-to-speech/speak-request
https://developers.deepgram.com/docs/model-metadata
https://developers.deepgram.com/reference/errors
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.standins import tone
from tests.standins.server import Call, Reply, StandIn, path_of

KEY: Final = "0123456789abcdef0123456789abcdef01234567"
MAX_CHARACTERS: Final = 2000


def _model(canonical_name: str, architecture: str, languages: list[str], *tags: str) -> Mapping[str, Any]:
    return {
        "name": canonical_name.split("-")[-2],
        "canonical_name": canonical_name,
        "architecture": architecture,
        "languages": languages,
        "version": "2025-04-07.0",
        "uuid": "af6e9977-99f6-4d8f-b6f5-dfdf6fb6e291",
        "metadata": {"accent": "American", "tags": list(tags)},
    }


VOICES: Final = (
    _model("aura-2-thalia-en", "aura-2", ["en", "en-US"], "feminine", "clear"),
    _model("aura-2-apollo-en", "aura-2", ["en", "en-US"], "masculine"),
    _model("aura-2-izanami-ja", "aura-2", ["ja", "ja-JP"]),
    _model("flux-alexis-en", "flux", ["en"], "feminine"),  # speaks another protocol
)


class DeepgramStandIn(StandIn):
    """Speaks `POST /v1/speak` and lists its models."""

    name: ClassVar[str] = "deepgram"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""
        return {"DEEPGRAM_API_KEY": KEY, "DEEPGRAM_BASE_URL": self.url}

    def parse(self, body: bytes) -> Any:
        """The JSON."""
        return json.loads(body) if body else None

    def answer(self, call: Call) -> Reply:
        """The route table of the vendor."""
        if call.headers.get("authorization") != f"Token {KEY}":
            return _error(401, "INVALID_AUTH", "Invalid credentials.")
        match call.method, path_of(call):
            case "POST", "/v1/speak":
                return self._speech(call, parse_qs(urlsplit(call.path).query))
            case "GET", "/v1/models":
                return Reply.of_json(200, {"stt": [], "tts": VOICES})
            case _:
                return _error(404, "NOT_FOUND", "Endpoint not found.")

    def _speech(self, call: Call, query: Mapping[str, list[str]]) -> Reply:
        asked = call.body
        if call.headers.get("content-type") != "application/json" or not isinstance(asked, dict):
            return _error(400, "Bad Request", "we could not process the JSON payload.")
        if asked.keys() != {"text"} or not asked["text"]:
            return _error(400, "Bad Request", "Json deserialize error: missing field `text`")
        if len(asked["text"]) > MAX_CHARACTERS:
            return _error(413, "PAYLOAD_TOO_LARGE", "Input text exceeds maximum character limit of 2000.")
        voice = query.get("model", ["aura-asteria-en"])[0]
        if voice not in {one["canonical_name"] for one in VOICES if one["architecture"].startswith("aura")}:
            return _error(400, "Bad Request", "No such model/version combination found.")
        if (query.get("encoding"), query.get("container"), query.get("sample_rate")) != (
            ["linear16"],
            ["wav"],
            ["24000"],
        ):
            return _error(400, "UNSUPPORTED_AUDIO_FORMAT", "the stand-in speaks linear16 in wav at 24000 Hz only")
        speed = float(query.get("speed", ["1"])[0])
        if not 0.7 <= speed <= 1.5 or (speed != 1 and not voice.endswith(("-en", "-es"))):
            return _error(400, "Bad Request", "Invalid speed.")
        return Reply(200, tone.wav(asked["text"], voice, speed), {"Content-Type": "audio/wav"})

    def too_many_calls(self, retry_after_s: float) -> Reply:
        """More at once than an account has."""
        refused = _error(429, "TOO_MANY_REQUESTS", "Too many requests. Please try again later.")
        return Reply(429, refused.body, {**refused.headers, "Retry-After": f"{retry_after_s:g}"})


def _error(status: int, code: str, message: str) -> Reply:
    return Reply.of_json(status, {"err_code": code, "err_msg": message, "request_id": "af6e9977"})
