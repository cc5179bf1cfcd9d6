"""The stand-in for Google Cloud Text-to-Speech.

https://docs.cloud.google.com/text-to-speech/docs/reference/rest/v1/text/synthesize
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from tests.standins import tone
from tests.standins.server import Call, Reply, StandIn, path_of

KEY: Final = "AIzaStandInForGoogleTextToSpeech0000000"
MAX_BYTES: Final = 5000


def _voice(name: str, gender: str, *languages: str) -> Mapping[str, Any]:
    codes = languages or ("-".join(name.split("-")[:2]),)
    return {"languageCodes": codes, "name": name, "ssmlGender": gender, "naturalSampleRateHertz": 24000}


VOICES: Final = (
    _voice("cmn-TW-Wavenet-A", "FEMALE"),
    _voice("cmn-TW-Wavenet-B", "MALE"),
    _voice("cmn-CN-Chirp3-HD-Achernar", "FEMALE"),
    _voice("en-US-Neural2-D", "MALE"),
    _voice("yue-HK-Standard-A", "SSML_VOICE_GENDER_UNSPECIFIED"),
    _voice("Achernar", "FEMALE", "en-US", "cmn-TW"),  # wants a model to be named beside it
)


class GoogleStandIn(StandIn):
    """Speaks `POST /v1/text:synthesize` and lists its voices."""

    name: ClassVar[str] = "google"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""
        return {"GOOGLE_TTS_API_KEY": KEY, "GOOGLE_TTS_BASE_URL": self.url}

    def parse(self, body: bytes) -> Any:
        """The JSON."""
        return json.loads(body) if body else None

    def answer(self, call: Call) -> Reply:
        """The route table of the vendor."""
        key = call.headers.get("x-goog-api-key")
        if not key:
            return error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
        if key != KEY:
            return error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        match call.method, path_of(call):
            case "POST", "/v1/text:synthesize":
                return self._speech(call)
            case "GET", "/v1/voices":
                return Reply.of_json(200, {"voices": VOICES})
            case _:
                return error(404, "NOT_FOUND", "Requested entity was not found.")

    def _speech(self, call: Call) -> Reply:
        asked = call.body
        if not isinstance(asked, dict) or asked.keys() != {"input", "voice", "audioConfig"}:
            return error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
        text, voice, audio = asked["input"].get("text"), asked["voice"], dict(asked["audioConfig"])
        if not text:
            return error(400, "INVALID_ARGUMENT", "Either `input.text` or `input.ssml` must be set.")
        if len(text.encode()) > MAX_BYTES:
            return error(400, "INVALID_ARGUMENT", "`input.text` is longer than the limit of 5000 bytes.")
        speed = audio.pop("speakingRate", 1.0)
        if not 0.25 <= speed <= 2.0:
            return error(400, "INVALID_ARGUMENT", "Invalid speaking_rate: must be from 0.25 to 2.0")
        if audio != {"audioEncoding": "LINEAR16", "sampleRateHertz": 24000}:
            return error(400, "INVALID_ARGUMENT", "the stand-in speaks LINEAR16 at 24 kHz only")
        known = next((one for one in VOICES if one["name"] == voice.get("name")), None)
        if known is None:
            return error(400, "INVALID_ARGUMENT", f"Voice '{voice.get('name')}' does not exist. Is it misspelled?")
        if voice.get("languageCode") not in known["languageCodes"]:
            return error(400, "INVALID_ARGUMENT", "Requested language code doesn't match the voice.")
        if not known["name"].startswith(known["languageCodes"][0]):
            return error(400, "INVALID_ARGUMENT", "This voice requires a model name to be specified.")
        return Reply.of_json(200, {"audioContent": b64encode(tone.wav(text, known["name"], speed)).decode()})

    def too_many_calls(self, retry_after_s: float) -> Reply:
        """The quota of a minute is used up."""
        refused = error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'All requests'.")
        return Reply(429, refused.body, {**refused.headers, "Retry-After": f"{retry_after_s:g}"})


def error(status: int, code: str, message: str, *details: Mapping[str, Any]) -> Reply:
    """An error of any Google API (google.rpc.Status)."""
    return Reply.of_json(
        status, {"error": {"code": status, "message": message, "status": code, "details": list(details)}}
    )
