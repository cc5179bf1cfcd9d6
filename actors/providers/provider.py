"""What a provider is: the protocol that every vendor's file fulfils, and the one error that it may raise.

A vendor is one short file and one line in the dict of `actors/providers/__init__.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from actors.providers.problem import Problem
from storage.jobs import Script

SynthesisMode = Literal["native", "segmented"]


#: ISO 639-2's "multiple languages": what a voice says whose vendor does not bind it to one.
EVERY_LANGUAGE: Final = "mul"

#: Names of one language that vendors and browsers use alike.
_SAME_LANGUAGE: Final[Mapping[str, str]] = {"cmn": "zh", "no": "nb", "iw": "he"}


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that a provider offers. `language` is a BCP 47 tag; `gender` is `female`, `male`, `neutral` or None."""

    voice_id: str
    voice_name: str
    language: str
    gender: str | None = None

    def speaks(self, language: str) -> bool:
        """Whether the voice suits a BCP 47 tag: the same language, and the same region where both name one.

        So Mandarin of no region (`zh`) suits zh-TW and zh-CN. It does not suit zh-HK, where vendors mean Cantonese.
        """
        return self.language == EVERY_LANGUAGE or suits(self.language, language)


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be spoken: one turn's text in one voice.

    `speed`: a factor of the voice's own. `style`: as the vendor calls it, or in words where it takes any.
    """

    text: str
    voice_id: str
    language: str
    speed: float = 1.0
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a vendor can be told to say a line.

    `slowest`, `fastest`: factors of the voice's own speed, both 1 where it cannot be told. `styles`: those that it
    names. `takes_any_style`: it is told in words of one's own. `styles_of_voice`: those of this voice, where the vendor
    has listed them; it takes no notice of the others.
    """

    slowest: float = 1.0
    fastest: float = 1.0
    styles: tuple[str, ...] = ()
    takes_any_style: bool = False
    styles_of_voice: tuple[str, ...] | None = None


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
        """The environment variables that must be set (or the extra that must be installed, as `readthrough[espeak]`)
        before it can speak; empty when it is configured."""
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
    def calls_at_once(self) -> int:
        """At most so many turns are spoken at a time for a process: a voice on this machine has so many children."""
        ...

    @property
    def advanced_features(self) -> Sequence[str]:
        """What it can do beyond speaking, as names for the page."""
        ...

    @property
    def fingerprint(self) -> str:
        """What, besides a Line, decides how it sounds (model, rate, ...): part of a segment's address."""
        ...

    def delivery(self, voice_id: str) -> Delivery:
        """How a voice can be told to speak, known or not; any of the vendor's, for an empty id.

        It is the same in every process, but for `styles_of_voice`: segments are found by it.
        """
        ...

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """Every voice on offer.

        Raises:
            ProviderError: the vendor's list could not be had.
        """
        ...

    def known_voices(self) -> Sequence[Voice]:
        """The voices as they are known without asking anybody; empty where they are not."""
        ...

    def fits(self, text: str) -> bool:
        """Whether a text is short enough to be said in one go."""
        ...

    def check(self, script: Script) -> Sequence[Problem]:
        """What this provider would refuse in `script`, without asking the vendor: too long a turn, an unsafe or
        unknown voice id, characters that it cannot speak, a turn with nothing to say. Empty when all is well."""
        ...

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as an audio file that PyAV can decode (WAV, PCM wrapped in WAV, ogg, mp3, ...).

        Raises:
            ProviderError: the vendor refused or failed, or had not finished after `timeout_s` seconds, however
                steadily it was still sending.
        """
        ...

    def close(self) -> None:
        """Let go of connections and child processes."""
        ...


def primary_language(tag: str) -> str:
    """The language of a BCP 47 tag, without its region: `zh` for zh-TW, `yue` for Cantonese however it is written."""
    return _language_and_region(tag)[0]


def suits(tag: str, asked: str) -> bool:
    """Whether a BCP 47 tag is of the language that was asked for, and of its region where both name one."""
    language, region = _language_and_region(tag)
    asked_language, asked_region = _language_and_region(asked)
    return language == asked_language and (region == asked_region or not region or not asked_region)


def _language_and_region(tag: str) -> tuple[str, str]:
    """As `("en", "us")`; the region is empty where the tag names none. Script and variants are left aside."""
    subtags = tag.lower().split("-x-")[0].split("-")
    region = next((s for s in subtags[1:] if re.fullmatch(r"[a-z]{2}|\d{3}", s)), "")
    if "yue" in subtags or (subtags[0] == "zh" and region in {"hk", "mo"}):
        return "yue", ""
    return _SAME_LANGUAGE.get(subtags[0], subtags[0]), region
