"""Amazon Polly. Segmented.

https://docs.aws.amazon.com/polly/latest/dg/API_SynthesizeSpeech.html
https://docs.aws.amazon.com/polly/latest/dg/API_DescribeVoices.html
https://docs.aws.amazon.com/polly/latest/dg/limits.html
https://docs.aws.amazon.com/polly/latest/dg/prosody-tag.html
and the description of the service in botocore 1.44, read on 2026-11-28. It was never called with a real key.

botocore signs, but does not call: it tries again by itself, and bounds each read, not their sum.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pydantic import BaseModel, ConfigDict, FailFast, Field
from pydantic.alias_generators import to_pascal

from actors.providers.answers import Page, audio_in, every_page, parsed
from actors.providers.connection import Answer
from actors.providers.http import MAX_LIST_BYTES, VendorHttp, speech_bytes
from actors.providers.problem import Problem
from actors.providers.provider import Delivery, Line, ProviderError, SynthesisMode, Voice
from actors.providers.refusals import has_forbidden_characters, too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from actors.providers.voice_list import VoiceList
from storage.jobs import Script

#: Characters that are billed, which all of a plain text are.
MAX_TURN_CHARACTERS: Final = 3_000

#: The best that Polly has: bare samples stop at 16 kHz.
OUTPUT_FORMAT: Final = "ogg_vorbis"
SAMPLE_RATE_HZ: Final = 24_000

#: What the rate of SSML may be: 20 % to 200 %.
_DELIVERY: Final = Delivery(slowest=0.2, fastest=2.0)

#: Polly says with 400 that it is asked too often.
_THROTTLED: Final = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})

#: A language that Polly calls otherwise than BCP 47 recommends.
_LANGUAGES: Final[Mapping[str, str]] = {"arb": "ar"}


class _Listed(BaseModel):
    """A voice as Polly lists it."""

    model_config = ConfigDict(alias_generator=to_pascal)

    id: str
    language_code: str
    name: str | None = None
    gender: str | None = None

    def as_voice(self) -> Voice:
        language = _LANGUAGES.get(self.language_code, self.language_code)
        gender = self.gender.lower() if self.gender in {"Female", "Male"} else None
        return Voice(self.id, self.name or self.id, language, gender)


class _Page(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal)

    voices: Annotated[list[_Listed], FailFast()]
    next_token: str | None = None


class _Fault(BaseModel):
    """What some of AWS's services say in the body instead of in a header."""

    kind: str = Field(default="", alias="__type")


class Polly:
    """The provider `polly`."""

    name = "polly"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 10
    character_limit = 100_000
    advanced_features: Sequence[str] = ()
    calls_at_once = 8  # eight neural ones a second are what an account begins with

    def __init__(self, settings: ProviderSettings) -> None:
        key_id = settings.polly_access_key_id.get_secret_value() if settings.polly_access_key_id else ""
        key = settings.polly_secret_access_key.get_secret_value() if settings.polly_secret_access_key else ""
        region = settings.polly_region or ""
        self._base_url = settings.polly_base_url or (f"https://polly.{region}.amazonaws.com" if region else "")
        self._engine = settings.polly_engine
        self._signer = SigV4Auth(Credentials(key_id, key), "polly", region)
        self._http = VendorHttp(self.name, secrets=[key_id, key])
        self._listed = VoiceList(self._ask_for_voices)
        needed = {"POLLY_ACCESS_KEY_ID": key_id, "POLLY_SECRET_ACCESS_KEY": key, "POLLY_REGION": region}
        self.missing_settings: Sequence[str] = tuple(name for name, value in needed.items() if not value)

    @property
    def fingerprint(self) -> str:
        """The engine and the format; a voice sounds the same in every region."""
        return f"polly {self._engine} {OUTPUT_FORMAT} {SAMPLE_RATE_HZ}"

    def delivery(self, voice_id: str) -> Delivery:
        """Speed alone."""
        return _DELIVERY

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """The voices of the engine, at most an hour old.

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
        """One turn as Ogg Vorbis at 24 kHz.

        Raises:
            ProviderError: Polly refused, failed or was not done after `timeout_s` seconds.
        """
        request: dict[str, Any] = {
            "Engine": self._engine,
            "OutputFormat": OUTPUT_FORMAT,
            "SampleRate": str(SAMPLE_RATE_HZ),
            "Text": line.text if line.speed == 1 else _ssml(line),
            "TextType": "text" if line.speed == 1 else "ssml",
            "VoiceId": line.voice_id,
        }
        body = json.dumps(request).encode()
        answer = self._demand("POST", "/v1/speech", timeout_s, body, max_bytes=speech_bytes(line.text))
        return audio_in(self._http, answer.body)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _ask_for_voices(self, timeout_s: float) -> Sequence[Voice]:
        return every_page(self.name, self._ask_for_page, timeout_s)

    def _ask_for_page(self, token: str | None, timeout_s: float) -> Page:
        # As the signature wants it encoded (RFC 3986): a space is %20.
        query = urlencode({"Engine": self._engine} | ({"NextToken": token} if token else {}), quote_via=quote, safe="")
        answer = self._demand("GET", f"/v1/voices?{query}", timeout_s, b"", max_bytes=MAX_LIST_BYTES)
        page = parsed(self._http, _Page, answer.body, "a list of voices")
        return map(_Listed.as_voice, page.voices), page.next_token

    def _demand(self, method: str, path: str, timeout_s: float, body: bytes, *, max_bytes: int) -> Answer:
        """What Polly answers to a signed request.

        Raises:
            ProviderError: it did not, or refused; permanent unless it was asked too often or failed.
        """
        url = f"{self._base_url}{path}"
        signed = AWSRequest(method, url, {"Content-Type": "application/json"} if body else {}, body)
        self._signer.add_auth(signed)
        headers = {name: str(value) for name, value in signed.headers.items()}
        answer = self._http.ask(method, url, timeout_s, headers=headers, content=body, max_bytes=max_bytes)
        if answer.is_success:
            return answer
        refusal = self._http.refusal(answer)
        refusal.permanent = refusal.permanent and _code_of(answer) not in _THROTTLED
        raise refusal


def _ssml(line: Line) -> str:
    """The line at its speed. Tags are not billed, nor counted.

    Raises:
        ProviderError: permanent, when XML has no way to write the text.
    """
    if has_forbidden_characters(line.text):
        raise ProviderError("the text has characters that SSML cannot carry", permanent=True)
    return f'<speak><prosody rate="{round(line.speed * 100)}%">{escape(line.text)}</prosody></speak>'


def _code_of(answer: Answer) -> str:
    """What went wrong, as `ThrottlingException`: in a header, with the address of its description behind it, or in the
    body, with that of its namespace before it."""
    named = answer.headers.get("x-amzn-errortype", "").partition(":")[0]
    if named:
        return named
    try:
        return _Fault.model_validate_json(answer.body).kind.rpartition("#")[2]
    except ValueError:
        return ""
