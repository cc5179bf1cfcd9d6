"""Murmur, a vendor that does not exist: what a file in `actors/providers/` is. Segmented."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from actors.audio.wav import NotAudio, audio_file
from actors.providers.http import VendorHttp
from actors.providers.problem import Problem
from actors.providers.provider import EVERY_LANGUAGE, Delivery, Line, SynthesisMode, Voice
from actors.providers.refusals import too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from storage.jobs import Script

MAX_TURN_CHARACTERS: Final = 2000

_VOICES: Final = tuple(Voice(name, name.capitalize(), EVERY_LANGUAGE) for name in ("low", "high"))


class Murmur:
    """The provider `murmur`."""

    name = "murmur"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 2
    character_limit = 20_000
    advanced_features: Sequence[str] = ()
    calls_at_once = 16
    fingerprint = "murmur 1"

    def __init__(self, settings: ProviderSettings) -> None:
        key = settings.murmur_api_key.get_secret_value() if settings.murmur_api_key else ""
        self._base_url = settings.murmur_base_url
        self._headers: Mapping[str, str] = {"Content-Type": "application/json", "X-Api-Key": key}
        self._http = VendorHttp(self.name, secrets=[key])
        self.missing_settings: Sequence[str] = () if key else ("MURMUR_API_KEY",)

    def delivery(self, voice_id: str) -> Delivery:
        """Neither speed nor style."""
        return Delivery()

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """Two, always the same."""
        return _VOICES

    def known_voices(self) -> Sequence[Voice]:
        """All of them."""
        return self.voices(0)

    def fits(self, text: str) -> bool:
        """By its characters."""
        return len(text) <= MAX_TURN_CHARACTERS

    def check(self, script: Script) -> Sequence[Problem]:
        """Voices that it does not have, turns that are too long, turns with nothing to say."""
        known = {voice.voice_id for voice in _VOICES}
        return [
            *unknown_voices(script, known.__contains__),
            *too_long_turns(script, MAX_TURN_CHARACTERS),
            *unspeakable_turns(script),
        ]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as WAV.

        Raises:
            ProviderError: the vendor refused, failed or was not done after `timeout_s` seconds.
        """
        asked = cast("Mapping[str, Any]", {"text": line.text, "voice": line.voice_id, "language": line.language})
        url, body = f"{self._base_url}/speak", json.dumps(asked).encode()
        answer = self._http.demand("POST", url, timeout_s, headers=self._headers, content=body)
        try:
            return audio_file(answer.body)
        except NotAudio as error:
            raise self._http.error(f"was asked to speak, but {error}", permanent=False) from error

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()
