"""What a provider is: the protocol that every vendor's file fulfils, and the one error that it may raise.

A vendor is one short file and one line in the dict of `actors/providers/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from storage.jobs import Script

SynthesisMode = Literal["native", "segmented"]


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that a provider offers. `language` is a BCP 47 tag; `gender` is `female`, `male`, `neutral` or None."""

    voice_id: str
    voice_name: str
    language: str
    gender: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be spoken: one turn's text in one voice."""

    text: str
    voice_id: str
    language: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a script that the provider would refuse. `field` is its path in the request, as `turns[3].text`."""

    field: str
    message_zh: str
    message_en: str


class ProviderError(Exception):
    """The vendor did not speak. The message is its own words, cut to 300 characters and free of secrets.

    `permanent`: trying again cannot help (bad key, bad request, quota used up).
    `retry_after_s`: how long the vendor asked us to wait, if it did.
    """

    def __init__(self, message: str, *, permanent: bool, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class Provider(Protocol):
    """A TTS engine. Instances are shared by threads."""

    @property
    def name(self) -> str:
        """The name in the API, as `espeak`."""
        ...

    @property
    def missing_settings(self) -> Sequence[str]:
        """The environment variables that must be set before it can speak; empty when it is configured."""
        ...

    @property
    def synthesis_mode(self) -> SynthesisMode:
        """`segmented`: one request a turn, joined by us. `native`: the whole dialogue in one."""
        ...

    @property
    def max_speakers(self) -> int:
        """At most so many speakers in a job."""
        ...

    @property
    def character_limit(self) -> int:
        """At most so many characters of text in a job."""
        ...

    @property
    def advanced_features(self) -> Sequence[str]:
        """What it can do beyond speaking, as names for the page."""
        ...

    @property
    def fingerprint(self) -> str:
        """What, besides a Line, decides how it sounds (model, rate, ...): part of a segment's address."""
        ...

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """Every voice on offer.

        Raises:
            ProviderError: the vendor's list could not be had.
        """
        ...

    def check(self, script: Script) -> Sequence[Problem]:
        """What this provider would refuse in `script`, without asking the vendor: too long a turn, an unsafe or
        unknown voice id, characters that it cannot speak. Empty when all is well."""
        ...

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as an audio file that PyAV can decode (WAV, PCM wrapped in WAV, ogg, mp3, ...).

        Raises:
            ProviderError: the vendor refused or failed, or was silent for `timeout_s` seconds.
        """
        ...

    def close(self) -> None:
        """Let go of connections and child processes."""
        ...
