"""The stand-in for Google's Gemini API.

https://ai.google.dev/gemini-api/docs/speech-generation
https://ai.google.dev/api/voices
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from tests.standins import tone
from tests.standins.google import error
from tests.standins.server import Call, Reply, StandIn, path_of

KEY: Final = "AIzaStandInForGemini0000000000000000000"
MODELS: Final = ("gemini-3.8-flash-tts", "gemini-3.8-flash-lite-tts")


def _voice(voice_id: str, name: str, gender: str, kind: str = "prebuilt") -> Mapping[str, Any]:
    return {"id": voice_id, "display_name": name, "gender": gender, "language_code": "en-US", "type": kind}


VOICES: Final = (
    _voice("voice_abc123def456", "Our narrator", "neutral", "prompted"),
    _voice("Kore", "Kore", "female"),
    _voice("Puck", "Puck", "male"),
)


class GeminiStandIn(StandIn):
    """Speaks `POST /v1beta/models/{model}:generateContent` and lists its voices, two a page."""

    name: ClassVar[str] = "gemini"

    def __init__(self, port: int = 0) -> None:
        #: Answer with bare samples, as a stream and as the models before 3.8 do.
        self.is_bare = False
        super().__init__(port)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""
        return {"GEMINI_API_KEY": KEY, "GEMINI_BASE_URL": self.url}

    def parse(self, body: bytes) -> Any:
        """The JSON."""
        return json.loads(body) if body else None

    def answer(self, call: Call) -> Reply:
        """The route table of the vendor."""
        if call.headers.get("x-goog-api-key") != KEY:
            return error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        path = path_of(call)
        if call.method == "GET" and path == "/v1beta/voices":
            return _page(parse_qs(urlsplit(call.path).query))
        model = path.removeprefix("/v1beta/models/").removesuffix(":generateContent")
        if call.method != "POST" or path != f"/v1beta/models/{model}:generateContent" or model not in MODELS:
            return error(404, "NOT_FOUND", f"models/{model} is not found for API version v1beta")
        return self._speech(call)

    def _speech(self, call: Call) -> Reply:
        asked = call.body
        if not isinstance(asked, dict) or not asked.keys() <= {"contents", "generationConfig"}:
            return error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        config = asked.get("generationConfig", {})
        if config.keys() != {"responseModalities", "speechConfig"} or config["responseModalities"] != ["AUDIO"]:
            return error(400, "INVALID_ARGUMENT", "The requested combination of response modalities is not supported.")
        voice = config["speechConfig"].get("voiceConfig", {}).get("voice")
        if voice not in {one["id"] for one in VOICES}:
            return error(400, "INVALID_ARGUMENT", f"Voice name {voice} is not supported.")
        text = "".join(part["text"] for content in asked["contents"] for part in content["parts"])
        kind = "audio/L16;codec=pcm;rate=24000" if self.is_bare else "audio/wav"
        [style] = {part.get("speechMetadata", {}).get("style") for part in asked["contents"][0]["parts"]}
        sound = (tone.pcm if self.is_bare else tone.wav)(text, voice, 1.0, style)
        data = {"mimeType": kind, "data": b64encode(sound).decode()}
        spoken = {"content": {"role": "model", "parts": [{"inlineData": data}]}, "finishReason": "STOP", "index": 0}
        return Reply.of_json(200, {"candidates": [spoken], "modelVersion": MODELS[0]})

    def too_many_calls(self, retry_after_s: float) -> Reply:
        """How long to wait is in the JSON, not in a header."""
        wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after_s:g}s"}
        return error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", wait)


def _page(query: Mapping[str, list[str]]) -> Reply:
    first = int(query.get("page_token", ["0"])[0])
    page: dict[str, Any] = {"voices": VOICES[first : first + 2]}
    return Reply.of_json(200, page | ({"next_page_token": str(first + 2)} if first + 2 < len(VOICES) else {}))
