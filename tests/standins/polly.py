"""The stand-in for Amazon Polly. It computes each signature again, by itself.

https://docs.aws.amazon.com/polly/latest/dg/API_SynthesizeSpeech.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

from tests.standins import tone
from tests.standins.server import Call, Reply, StandIn, path_of

KEY_ID: Final = "AKIASTANDINFORPOLLY0"
KEY: Final = "stand-in/secret+of+polly/00000000000000"
REGION: Final = "us-east-1"
MAX_CHARACTERS: Final = 3000
MAX_SKEW_S: Final = 900

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/((\d{8})/[\w-]+/polly/aws4_request), "
    r"SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})"
)


def _voice(voice_id: str, language: str, gender: str, *engines: str) -> Mapping[str, Any]:
    return {
        "Id": voice_id,
        "Name": voice_id,
        "LanguageCode": language,
        "LanguageName": language,
        "Gender": gender,
        "SupportedEngines": engines,
    }


VOICES: Final = (
    _voice("Zhiyu", "cmn-CN", "Female", "neural", "standard"),
    _voice("Joanna", "en-US", "Female", "generative", "neural", "standard"),
    _voice("Matthew", "en-US", "Male", "generative", "neural", "standard"),
    _voice("Hala", "ar-AE", "Female", "neural"),
    _voice("Zeina", "arb", "Female", "standard"),
)


class PollyStandIn(StandIn):
    """Speaks `POST /v1/speech` and describes its voices, two a page."""

    name: ClassVar[str] = "polly"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""
        return {
            "POLLY_ACCESS_KEY_ID": KEY_ID,
            "POLLY_SECRET_ACCESS_KEY": KEY,
            "POLLY_REGION": REGION,
            "POLLY_BASE_URL": self.url,
        }

    def parse(self, body: bytes) -> Any:
        """The JSON, and the text that it was, which is signed."""
        return {"sent": body.decode(), "asked": json.loads(body) if body else None}

    def answer(self, call: Call) -> Reply:
        """The route table of the vendor."""
        refused = _why_not_signed(call)
        if refused:
            return _error(403, *refused)
        match call.method, path_of(call):
            case "POST", "/v1/speech":
                return self._speech(call)
            case "GET", "/v1/voices":
                return _page(parse_qs(urlsplit(call.path).query))
            case _:
                return _error(404, "UnknownOperationException", "")

    def _speech(self, call: Call) -> Reply:
        asked = call.body["asked"]
        if call.headers.get("content-type") != "application/json" or not isinstance(asked, dict) or not asked["Text"]:
            return _error(400, "ValidationException", "Value at 'text' failed to satisfy constraint")
        if len(asked["Text"]) > MAX_CHARACTERS:
            return _error(400, "TextLengthExceededException", "Maximum text length has been exceeded")
        if (asked.get("OutputFormat"), asked.get("SampleRate")) != ("ogg_vorbis", "24000"):
            return _error(400, "InvalidSampleRateException", "the stand-in speaks ogg_vorbis at 24000 Hz only")
        known = {voice["Id"]: voice for voice in VOICES}
        if asked.get("VoiceId") not in known:
            return _error(400, "ValidationException", "Value at 'voiceId' failed to satisfy constraint")
        if asked.get("Engine", "standard") not in known[asked["VoiceId"]]["SupportedEngines"]:
            return _error(400, "EngineNotSupportedException", "This voice does not support the selected engine")
        try:
            text, speed = _said(asked["Text"]) if asked.get("TextType") == "ssml" else (asked["Text"], 1.0)
        except ElementTree.ParseError:
            return _error(400, "InvalidSsmlException", "Invalid SSML request")
        if not 0.2 <= speed <= 2.0:
            return _error(400, "InvalidSsmlException", "Invalid SSML request: rate")
        return Reply(200, tone.ogg(text, asked["VoiceId"], speed), {"Content-Type": "audio/ogg"})

    def too_many_calls(self, retry_after_s: float) -> Reply:
        """A 400, without Retry-After."""
        return _error(400, "ThrottlingException", "Rate exceeded")


def _said(ssml: str) -> tuple[str, float]:
    """(what is read, how fast) of SSML with one prosody in it."""
    root = ElementTree.fromstring(ssml)  # noqa: S314 - from our own provider
    if root.tag != "speak" or [child.tag for child in root.iter()] != ["speak", "prosody"]:
        raise ElementTree.ParseError("a tag that the stand-in does not know")
    return "".join(root.itertext()), float(root[0].get("rate", "100%").removesuffix("%")) / 100


def _page(query: Mapping[str, list[str]]) -> Reply:
    engine = query.get("Engine", [""])[0]
    voices = [voice for voice in VOICES if not engine or engine in voice["SupportedEngines"]]
    token = query.get("NextToken", ["after 0+="])[0]
    if not re.fullmatch(r"after \d+\+=", token):
        return _error(400, "InvalidNextTokenException", "The NextToken is invalid")
    first = int(token[6:-2])
    more = first + 2 < len(voices)
    return Reply.of_json(
        200, {"Voices": voices[first : first + 2], "NextToken": f"after {first + 2}+=" if more else None}
    )


def _why_not_signed(call: Call) -> tuple[str, str] | None:
    """The error that a signature earns, step by step as AWS describes its making; None for a good one."""
    given = _AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
    if given is None:
        return "MissingAuthenticationTokenException", "Missing Authentication Token"
    key_id, scope, day, signed, signature = given.groups()
    if key_id != KEY_ID:
        return "UnrecognizedClientException", "The security token included in the request is invalid."
    at = call.headers.get("x-amz-date", "")
    made = datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs((datetime.now(UTC) - made).total_seconds()) > MAX_SKEW_S or not at.startswith(day):
        return "InvalidSignatureException", "Signature expired"
    if not {"host", "x-amz-date"} <= set(signed.split(";")):
        return "InvalidSignatureException", "'Host' and 'X-Amz-Date' must be signed."
    address = urlsplit(call.path)
    headers = "".join(f"{name}:{call.headers.get(name, '').strip()}\n" for name in signed.split(";"))
    query = "&".join(sorted(address.query.split("&"))) if address.query else ""
    body = hashlib.sha256(call.body["sent"].encode()).hexdigest()
    request = "\n".join((call.method, address.path, query, headers, signed, body))
    to_sign = "\n".join(("AWS4-HMAC-SHA256", at, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{KEY}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(key.hex(), signature):
        return "InvalidSignatureException", "The request signature we calculated does not match yours."
    return None


def _error(status: int, code: str, message: str) -> Reply:
    return Reply.of_json(status, {"message": message}, {"x-amzn-ErrorType": f"{code}:http://polly.test/doc/"})
