"""Speed and style as each vendor documents them: what is sent, against its stand-in. What all do alike is in
test_provider_conformance.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from actors.providers import PROVIDERS
from actors.providers.delivery import deliverable, undeliverable
from actors.providers.provider import Line, ProviderError
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins.azure import AzureStandIn
from tests.standins.cartesia import CartesiaStandIn
from tests.standins.deepgram import DeepgramStandIn
from tests.standins.elevenlabs import ElevenLabsStandIn
from tests.standins.gemini import GeminiStandIn
from tests.standins.google import GoogleStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.polly import PollyStandIn
from tests.standins.server import StandIn
from tests.standins.settings import settings_of

ENOUGH_S = 10.0
TEXT = 'Hi & <b>"you"</b>'
SAID = "Hi &amp; &lt;b&gt;&quot;you&quot;&lt;/b&gt;"

SPEAK = '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis"'
MSTTS = ' xmlns:mstts="https://www.w3.org/2001/mstts"'
JENNY = "en-US-JennyNeural"


def sent(
    make: Callable[[], StandIn], line: Line, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> Mapping[str, Any]:
    """The body of the request, `ssml` beside it where it is one, and its path."""
    with make() as vendor, closing(PROVIDERS[vendor.name](settings_of({**vendor.environment, **environment}))) as asked:
        bodies: list[bytes] = []
        parse = vendor.parse
        monkeypatch.setattr(vendor, "parse", lambda body: (bodies.append(body), parse(body))[1])  # pyright: ignore
        asked.speak(deliverable(line, asked), ENOUGH_S)
        [call] = vendor.calls
        body = call.body.get("asked", call.body)
        return {**body, "path": call.path, "ssml": bodies[0].decode()}


LINES: list[tuple[str, Callable[[], StandIn], Line, Mapping[str, Any]]] = [
    (
        "azure: a rate and a style, around what one voice says",
        AzureStandIn,
        Line(TEXT, JENNY, "en-US", 1.25, "開心"),
        {
            "ssml": f'{SPEAK}{MSTTS} xml:lang="en-US"><voice name="{JENNY}"><mstts:express-as style="cheerful">'
            f'<prosody rate="1.25">{SAID}</prosody></mstts:express-as></voice></speak>'
        },
    ),
    (
        "azure: nothing of it where nothing was asked for",
        AzureStandIn,
        Line(TEXT, JENNY, "en-US"),
        {"ssml": f'{SPEAK} xml:lang="en-US"><voice name="{JENNY}">{SAID}</voice></speak>'},
    ),
    (
        "openai: a speed, and instructions",
        OpenAIStandIn,
        Line(TEXT, "alloy", "en-US", 1.25, "cheerful"),
        {"input": TEXT, "speed": 1.25, "instructions": "Speak in this manner: cheerful."},
    ),
    (
        "elevenlabs: a speed as a setting of the voice; this model reads tags aloud",
        ElevenLabsStandIn,
        Line(TEXT, "EXAVITQu4vr4xnSDxMaL", "en-US", 1.1, "whispering"),
        {"text": TEXT, "voice_settings": {"speed": 1.1}},
    ),
    (
        "google: a speaking rate",
        GoogleStandIn,
        Line(TEXT, "en-US-Neural2-D", "en-US", 0.5, "cheerful"),
        {
            "input": {"text": TEXT},
            "audioConfig": {"audioEncoding": "LINEAR16", "sampleRateHertz": 24000, "speakingRate": 0.5},
        },
    ),
    (
        "gemini: a style beside the text, which is read word for word",
        GeminiStandIn,
        Line(TEXT, "Kore", "en-US", 1.25, "whispered, nervous"),
        {"contents": [{"role": "user", "parts": [{"text": TEXT, "speechMetadata": {"style": "whispered, nervous"}}]}]},
    ),
    (
        "polly: a rate, in SSML",
        PollyStandIn,
        Line(TEXT, "Joanna", "en-US", 1.25, "cheerful"),
        {"TextType": "ssml", "Text": f'<speak><prosody rate="125%">{SAID}</prosody></speak>'},
    ),
    (
        "cartesia: an emotion; this model has no speed",
        CartesiaStandIn,
        Line(TEXT, "f786b574-daa5-4673-aa0c-cbe3e8534c02", "en-US", 1.25, "cheerful"),
        {"transcript": TEXT, "generation_config": {"emotion": "happy"}},
    ),
    (
        "deepgram: a speed",
        DeepgramStandIn,
        Line(TEXT, "aura-2-thalia-en", "en-US", 1.25, "cheerful"),
        {
            "text": TEXT,
            "path": "/v1/speak?model=aura-2-thalia-en&encoding=linear16&container=wav&sample_rate=24000&speed=1.25",
        },
    ),
]


@pytest.mark.parametrize(("make", "line", "expected"), [case[1:] for case in LINES], ids=[case[0] for case in LINES])
def test_the_request_is_the_documented_one(
    make: Callable[[], StandIn], line: Line, expected: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = sent(make, line, monkeypatch)
    assert {name: asked[name] for name in expected} == expected


def test_a_model_of_elevenlabs_that_follows_tags_gets_one_and_no_second(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(TEXT, "EXAVITQu4vr4xnSDxMaL", "en-US", 2.0, "whispers] [shouts")
    asked = sent(ElevenLabsStandIn, line, monkeypatch, ELEVENLABS_TTS_MODEL="eleven_v3")
    assert asked["text"] == f"[whispers shouts] {TEXT}"
    assert asked["voice_settings"] == {"speed": 1.2}


def test_a_model_of_cartesia_that_has_speeds_is_asked_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(TEXT, "f786b574-daa5-4673-aa0c-cbe3e8534c02", "en-US", 2.0)
    asked = sent(CartesiaStandIn, line, monkeypatch, CARTESIA_TTS_MODEL="sonic-3")
    assert asked["generation_config"] == {"speed": 1.5}


@pytest.mark.parametrize("model", ["tts-1", "tts-1-hd", "kokoro"])
def test_a_model_of_openai_that_follows_no_instructions_gets_none(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = sent(OpenAIStandIn, Line(TEXT, "alloy", "en-US", 1.0, "sad"), monkeypatch, OPENAI_TTS_MODEL=model)
    assert "instructions" not in asked


def test_polly_reads_no_tag_of_a_text_at_another_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line('</prosody><prosody rate="20%">', "Joanna", "en-US", 1.5)
    asked = sent(PollyStandIn, line, monkeypatch)
    assert asked["Text"] == (
        '<speak><prosody rate="150%">&lt;/prosody&gt;&lt;prosody rate=&quot;20%&quot;&gt;</prosody></speak>'
    )
    with closing(PROVIDERS["polly"](settings_of({}))) as polly, pytest.raises(ProviderError) as refused:
        polly.speak(replace(line, text="a\x0bb"), ENOUGH_S)
    assert refused.value.permanent


def test_a_voice_of_azure_that_lists_other_styles_is_warned_about_once_the_list_is_known() -> None:
    cast = (VoiceAssignment("A", JENNY, style="sad"), VoiceAssignment("B", JENNY, style="低語"))
    script = Script("azure", (Turn("A", "x", 0), Turn("B", "y", 1)), cast, "en-US", "mp3", 300, 50)
    with AzureStandIn() as vendor, closing(PROVIDERS["azure"](settings_of(vendor.environment))) as azure:
        assert not list(undeliverable(script, azure))
        before = [deliverable(Line("x", JENNY, "en-US", 1, style), azure) for style in ("sad", "低語")]
        azure.voices(ENOUGH_S)
        [warning] = undeliverable(script, azure)
        after = [deliverable(Line("x", JENNY, "en-US", 1, style), azure) for style in ("sad", "低語")]
    assert warning.field == "voice_assignments[0].style"
    assert before == after, "what is sent, and so the address, depends on no list that a process may have or not"
