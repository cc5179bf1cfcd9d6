"""What vendors' answers hold: audio, bare or packed into JSON, and lists of voices in pages.

Whatever does not hold it is a ProviderError of that vendor, and transient: it promised something else.
"""

from __future__ import annotations

import binascii
import time
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from actors.audio.wav import NotAudio, audio_file, wav_of
from actors.providers.http import MAX_BODY_BYTES, VendorHttp, speech_bytes
from actors.providers.json_answer import NotJson, refuse_too_much
from actors.providers.provider import ProviderError, Voice

#: No list is longer: 100 voices a page make 10,000.
MAX_PAGES: Final = 100

#: What JSON holds beside the audio.
_AROUND_AUDIO_BYTES: Final = 16 * 1024

#: One page of a list: its voices, and the token of the page after it, which the last page has not.
Page = tuple[Iterable[Voice], str | None]

_Model = TypeVar("_Model", bound=BaseModel)


def audio_in(http: VendorHttp, body: bytes) -> bytes:
    """`body` as an audio file with the sizes in its head put right.

    Raises:
        ProviderError: it is none.
    """
    try:
        return audio_file(body)
    except NotAudio as error:
        raise http.error(f"was asked to speak, but {error}", permanent=False) from error


def samples_in(http: VendorHttp, pcm: bytes, sample_rate_hz: int) -> bytes:
    """Bare samples (16 bit little-endian, mono) as a WAV file.

    Raises:
        ProviderError: there is not one.
    """
    try:
        return wav_of(pcm, sample_rate_hz)
    except NotAudio as error:
        raise http.error(f"was asked to speak, but {error}", permanent=False) from error


def unpacked(http: VendorHttp, packed: str) -> bytes:
    """The bytes that stand in JSON as base64 (RFC 4648, 4).

    Raises:
        ProviderError: it is no base64.
    """
    try:
        return b64decode(packed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise http.error("was asked to speak, but the answer was not audio", permanent=False) from error


def packed_speech_bytes(text: str) -> int:
    """The most that JSON with the speech of `text` in it can have: base64 makes four bytes of three."""
    return min(MAX_BODY_BYTES, _AROUND_AUDIO_BYTES + speech_bytes(text) * 4 // 3)


def parsed(http: VendorHttp, model: type[_Model], body: bytes, what: str) -> _Model:
    """What a JSON answer says; `what` it should have been is for the error, as `a list of voices`.

    Raises:
        ProviderError: it is no such thing, or has more parts than any vendor has to say.
    """
    try:
        refuse_too_much(body)
        return model.model_validate_json(body)
    except (ValidationError, NotJson) as error:
        raise http.error(f"sent {what} that is none", permanent=False) from error


def every_page(vendor: str, ask: Callable[[str | None, float], Page], timeout_s: float) -> Sequence[Voice]:
    """The voices of every page, each once, within `timeout_s` seconds in all. `ask` is given the token of a page, None
    for the first, and the seconds that are left.

    Raises:
        ProviderError: `ask` does, or the list has no end.
    """
    ends_at = time.monotonic() + timeout_s
    voices: dict[str, Voice] = {}
    token: str | None = None
    for _ in range(MAX_PAGES):
        page, token = ask(token, max(0.001, ends_at - time.monotonic()))
        for voice in page:
            voices.setdefault(voice.voice_id, voice)
        if not token:
            return tuple(voices.values())
    raise ProviderError(f"{vendor} sent a list of voices without end", permanent=False)
