"""The stand-in for OpenAI, and for the servers that are compatible with it.

https://developers.openai.com/api/reference/resources/audio/subresources/speech/methods/create
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from tests.standins import tone
from tests.standins.server import Call, Reply, StandIn, path_of

KEY: Final = "sk-stand-in-4f9a"
VOICES: Final = ("alloy", "ash", "coral", "echo", "nova", "onyx", "sage")
MAX_CHARACTERS: Final = 4096
MODELS_WITHOUT_INSTRUCTIONS: Final = ("tts-1", "tts-1-hd")
_FORMATS: Final = {"wav": "audio/wav", "pcm": "audio/pcm"}


class OpenAIStandIn(StandIn):
    """Speaks `POST /v1/audio/speech`, and lists its voices as compatible servers do."""

    name: ClassVar[str] = "openai"

    def __init__(self, port: int = 0) -> None:
        #: What `GET /v1/audio/voices` answers; None is 404, as of OpenAI itself.
        self.listing: Any = {"voices": list(VOICES)}
        super().__init__(port)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""
        return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{self.url}/v1"}

    def parse(self, body: bytes) -> Any:
        """The JSON."""
        return json.loads(body) if body else None

    def answer(self, call: Call) -> Reply:
        """The route table of the vendor."""
        given = call.headers.get("authorization", "")
        if given != f"Bearer {KEY}":
            return _error(401, f"Incorrect API key provided: {given[7:]}.", "invalid_api_key")
        match call.method, path_of(call):
            case "POST", "/v1/audio/speech":
                return self._speech(call)
            case "GET", "/v1/audio/voices" if self.listing is not None:
                return Reply.of_json(200, self.listing)
            case _:
                return _error(404, f"Invalid URL ({call.method} {call.path})", None)

    def _speech(self, call: Call) -> Reply:
        asked = call.body
        if call.headers.get("content-type") != "application/json" or not isinstance(asked, dict):
            return _error(400, "We could not parse the JSON body of your request.", None)
        for name in ("model", "input", "voice"):
            if not isinstance(asked.get(name), str) or not asked[name]:
                return _error(400, f"Missing required parameter: '{name}'.", "missing_required_parameter")
        if len(asked["input"]) > MAX_CHARACTERS:
            return _error(400, f"String should have at most {MAX_CHARACTERS} characters", "string_above_max_length")
        if asked["voice"] not in VOICES:
            return _error(400, f"Input should be one of {', '.join(VOICES)}", "invalid_value")
        kind = _FORMATS.get(asked.get("response_format", "mp3"))
        if kind is None:
            return _error(400, "the stand-in speaks wav and pcm only", "invalid_value")
        speed, instructions = asked.get("speed", 1.0), asked.get("instructions")
        if not 0.25 <= speed <= 4.0:
            return _error(400, "Input should be from 0.25 to 4.0", "invalid_value")
        if instructions is not None and asked["model"] in MODELS_WITHOUT_INSTRUCTIONS:
            return _error(400, f"'instructions' is not supported with {asked['model']}", "invalid_value")
        speak = tone.wav if kind == "audio/wav" else tone.pcm
        return Reply(200, speak(asked["input"], asked["voice"], speed, instructions), {"Content-Type": kind})


def _error(status: int, message: str, code: str | None) -> Reply:
    kind = "invalid_request_error"
    return Reply.of_json(status, {"error": {"message": message, "type": kind, "param": None, "code": code}})
