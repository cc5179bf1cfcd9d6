"""Azure AI Speech by REST. Segmented.

https://learn.microsoft.com/azure/ai-services/speech-service/rest-text-to-speech
https://learn.microsoft.com/azure/ai-services/speech-service/speech-synthesis-markup-voice
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, FailFast, TypeAdapter, ValidationError
from pydantic.alias_generators import to_pascal

from actors.audio.wav import NotAudio, audio_file, duration_s
from actors.providers.http import VendorHttp, speech_bytes
from actors.providers.json_answer import NotJson, refuse_too_much
from actors.providers.problem import Problem, Text
from actors.providers.provider import Delivery, Line, ProviderError, SynthesisMode, Voice
from actors.providers.refusals import has_forbidden_characters, too_long_turns, unknown_voices, unspeakable_turns
from actors.providers.settings import ProviderSettings
from actors.providers.voice_list import VoiceList
from storage.jobs import Script

CHARACTER_LIMIT: Final = 10_000

#: Azure ends the audio of a request here, with a 200 and without a word.
MAX_AUDIO_S: Final = 600.0
#: Chinese, Japanese and Korean characters that no voice speaks in that time: six in a second.
MAX_TURN_CJK_CHARACTERS: Final = 3_600

OUTPUT_FORMAT: Final = "riff-24khz-16bit-mono-pcm"

_SLOWEST: Final = 0.5
_FASTEST: Final = 2.0
#: What voices of Azure can do beside their usual tone, each some of it. A voice takes no notice of the others.
STYLES: Final = (
    *("advertisement_upbeat", "affectionate", "angry", "assistant", "calm", "chat", "cheerful", "customerservice"),
    *("depressed", "disgruntled", "documentary-narration", "embarrassed", "empathetic", "envious", "excited"),
    *("fearful", "friendly", "gentle", "hopeful", "lyrical", "narration-professional", "narration-relaxed"),
    *("newscast", "newscast-casual", "newscast-formal", "poetry-reading", "sad", "serious", "shouting"),
    *("sports_commentary", "sports_commentary_excited", "terrified", "unfriendly", "whispering"),
)

_CJK: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]")
_STYLED: Final = ' xmlns:mstts="https://www.w3.org/2001/mstts"'
_REGIONAL_HOST: Final = re.compile(r"([a-z0-9-]+)\.api\.cognitive\.microsoft\.com")
_CUSTOM_DOMAIN: Final = ".cognitiveservices.azure.com"


class _Listed(BaseModel):
    """A voice as Azure lists it, of which we want five of some twenty fields."""

    model_config = ConfigDict(alias_generator=to_pascal)

    short_name: str
    locale: str
    local_name: str | None = None
    gender: str | None = None
    style_list: tuple[str, ...] = ()

    def as_voice(self) -> Voice:
        gender = self.gender.lower() if self.gender else None
        return Voice(self.short_name, self.local_name or self.short_name, self.locale, gender)


_LIST: Final = TypeAdapter(Annotated[list[_Listed], FailFast()])


class Azure:
    """The provider `azure`."""

    name = "azure"
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers = 10
    character_limit = CHARACTER_LIMIT
    advanced_features: Sequence[str] = ()
    calls_at_once = 16

    def __init__(self, settings: ProviderSettings) -> None:
        key = settings.azure_speech_key.get_secret_value() if settings.azure_speech_key else ""
        self._base_url = _base_url(settings)
        self._key = {"Ocp-Apim-Subscription-Key": key}
        self._http = VendorHttp(self.name, secrets=[key])
        self._listed = VoiceList(self._ask_for_voices)
        self._styles: Mapping[str, tuple[str, ...]] = {}
        self.missing_settings: Sequence[str] = tuple(
            name for name, value in (("AZURE_SPEECH_KEY", key), ("AZURE_SPEECH_REGION", self._base_url)) if not value
        )

    @property
    def fingerprint(self) -> str:
        """The service and the format; a voice sounds the same in every region."""
        return f"azure {OUTPUT_FORMAT}"

    def delivery(self, voice_id: str) -> Delivery:
        """Speed, and the styles of Azure, some of which the voice has."""
        return Delivery(_SLOWEST, _FASTEST, STYLES, styles_of_voice=self._styles.get(voice_id))

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        """The voices of the region, at most an hour old.

        Raises:
            ProviderError: the list could not be had.
        """
        return self._listed.get(timeout_s)

    def known_voices(self) -> Sequence[Voice]:
        """The voices as the vendor listed them last."""
        return self._listed.known

    def fits(self, text: str) -> bool:
        """By its characters, and the ten minutes of audio that Azure makes of a request."""
        return len(text) <= CHARACTER_LIMIT and len(_CJK.findall(text)) <= MAX_TURN_CJK_CHARACTERS

    def check(self, script: Script) -> Sequence[Problem]:
        """Unknown voices (when the list has been asked for), turns that are too long or cannot be spoken."""
        listed = {voice.voice_id for voice in self._listed.known}
        return [
            *unknown_voices(script, lambda voice_id: not listed or voice_id in listed),
            *too_long_turns(script, CHARACTER_LIMIT),
            *unspeakable_turns(script),
            *_turns_over_ten_minutes(script),
        ]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        """One turn as WAV, 16 bit mono at 24 kHz.

        Raises:
            ProviderError: Azure refused, failed or was not done after `timeout_s` seconds, or cut the audio short.
        """
        answer = self._http.demand(
            "POST",
            f"{self._base_url}/cognitiveservices/v1",
            timeout_s,
            headers=self._key | {"Content-Type": "application/ssml+xml", "X-Microsoft-OutputFormat": OUTPUT_FORMAT},
            content=ssml(line).encode(),
            max_bytes=speech_bytes(line.text),
        )
        try:
            audio = audio_file(answer.body)
            is_cut = duration_s(audio) >= MAX_AUDIO_S - 1
        except NotAudio as error:
            raise self._http.error(f"was asked to speak, but {error}", permanent=False) from error
        if is_cut:
            raise self._http.error("ends every audio at ten minutes: split this turn", permanent=True)
        return audio

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _ask_for_voices(self, timeout_s: float) -> Sequence[Voice]:
        answer = self._http.demand(
            "GET", f"{self._base_url}/cognitiveservices/voices/list", timeout_s, headers=self._key
        )
        try:
            refuse_too_much(answer.body)
            voices = _LIST.validate_json(answer.body)
        except (ValidationError, NotJson) as error:
            raise self._http.error("sent a list of voices that is none", permanent=False) from error
        self._styles = {listed.short_name: listed.style_list for listed in voices}
        return [listed.as_voice() for listed in voices]


def ssml(line: Line) -> str:
    """The document that asks for a line.

    Raises:
        ProviderError: permanent, when XML has no way to write the text.
    """
    if has_forbidden_characters(line.text + (line.style or "")):
        raise ProviderError("the text has characters that SSML cannot carry", permanent=True)
    said = escape(line.text)
    if line.speed != 1:
        said = f'<prosody rate="{line.speed:g}">{said}</prosody>'
    if line.style:
        said = f'<mstts:express-as style="{escape(line.style)}">{said}</mstts:express-as>'
    return (
        '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis"'
        f'{_STYLED if line.style else ""} xml:lang="{escape(line.language)}">'
        f'<voice name="{escape(line.voice_id)}">{said}</voice></speak>'
    )


def _base_url(settings: ProviderSettings) -> str:
    """Where the service is; empty when nothing says so.

    What the portal calls the endpoint of a resource is the address of its management, not of its voices:
    a custom domain keeps those under /tts, a region has another host for them.
    """
    endpoint, region = settings.azure_speech_endpoint, settings.azure_speech_region
    if not endpoint:
        return f"https://{region}.tts.speech.microsoft.com" if region else ""
    address = urlsplit(endpoint)
    host = address.hostname or ""
    if regional := _REGIONAL_HOST.fullmatch(host):
        return f"https://{regional[1]}.tts.speech.microsoft.com"
    return f"{endpoint}/tts" if host.endswith(_CUSTOM_DOMAIN) and not address.path else endpoint


def _turns_over_ten_minutes(script: Script) -> Iterator[Problem]:
    for turn in script.turns:
        if len(_CJK.findall(turn.text)) > MAX_TURN_CJK_CHARACTERS:
            yield Problem(
                f"turns[{turn.index}].text",
                Text(
                    "azure 單一句的音檔最長 10 分鐘，請分成幾句",
                    "azure ends the audio of a turn at 10 minutes: split it",
                ),
            )
