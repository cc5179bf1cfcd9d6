"""actors/providers/gemini.py against its stand-in."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from actors.providers.gemini import Gemini
from actors.providers.provider import EVERY_LANGUAGE, Line, ProviderError
from tests.standins import tone
from tests.standins.gemini import KEY, GeminiStandIn
from tests.standins.settings import settings_of

ENOUGH_S = 10.0
LINE = Line('Hello, "world" 你好', "Kore", "zh-TW")


@pytest.fixture
def vendor() -> Iterator[GeminiStandIn]:
    with GeminiStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def gemini(vendor: GeminiStandIn) -> Iterator[Gemini]:
    provider = Gemini(settings_of(vendor.environment))
    yield provider
    provider.close()


def refusal(provider: Gemini, line: Line = LINE) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, ENOUGH_S)
    return raised.value


def test_the_request_is_the_documented_one(vendor: GeminiStandIn, gemini: Gemini) -> None:
    assert gemini.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)
    [call] = vendor.calls
    assert (call.method, call.path) == ("POST", "/v1beta/models/gemini-3.8-flash-tts:generateContent")
    assert call.headers["x-goog-api-key"] == KEY
    assert call.body == {
        "contents": [{"role": "user", "parts": [{"text": LINE.text}]}],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"voice": "Kore"}},
        },
    }


def test_the_model_is_ours_to_choose(vendor: GeminiStandIn) -> None:
    gemini = Gemini(settings_of({**vendor.environment, "GEMINI_TTS_MODEL": "gemini-3.8-flash-lite-tts"}))
    gemini.speak(LINE, ENOUGH_S)
    gemini.close()
    assert vendor.calls[0].path == "/v1beta/models/gemini-3.8-flash-lite-tts:generateContent"
    assert "lite" in gemini.fingerprint


def test_bare_samples_become_a_proper_file(vendor: GeminiStandIn, gemini: Gemini) -> None:
    vendor.is_bare = True
    assert gemini.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)


def candidate(reason: str, sound: bytes = b"") -> Mapping[str, Any]:
    data = {"mimeType": "audio/wav", "data": b64encode(sound).decode()}
    return {"candidates": [{"content": {"parts": [{"inlineData": data}] if sound else []}, "finishReason": reason}]}


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (candidate("SAFETY"), True),
        (candidate("PROHIBITED_CONTENT"), True),
        ({"promptFeedback": {"blockReason": "BLOCKLIST"}}, True),
        (candidate("MAX_TOKENS", tone.wav("cut short", "Kore")), True),
        (candidate("OTHER"), False),
        ({"candidates": [{"finishReason": "STOP"}]}, False),
        ({"candidates": []}, False),
        ({}, False),
    ],
)
def test_an_answer_without_sound_is_permanent_where_it_was_refused(
    vendor: GeminiStandIn, gemini: Gemini, answer: Mapping[str, Any], permanent: bool
) -> None:
    vendor.fail(1, 200, answer)
    assert refusal(gemini).permanent == permanent


@pytest.mark.parametrize("how", ["empty", "garbage", "cut"])
def test_a_spoilt_answer_is_transient(vendor: GeminiStandIn, gemini: Gemini, how: Any) -> None:
    vendor.misbehave(how)
    assert not refusal(gemini).permanent
    assert gemini.speak(LINE, ENOUGH_S), "the next call is good again"


def test_the_wait_is_in_the_json(vendor: GeminiStandIn, gemini: Gemini) -> None:
    vendor.limit(calls=0, per_s=60, retry_after_s=36.5)
    error = refusal(gemini)
    assert (error.permanent, error.retry_after_s) == (False, 36.5)


def test_a_wrong_key_is_permanent_and_not_repeated_to_the_user(vendor: GeminiStandIn) -> None:
    gemini = Gemini(settings_of({**vendor.environment, "GEMINI_API_KEY": "wrong-key-of-ours"}))
    error = refusal(gemini)
    gemini.close()
    assert error.permanent
    assert "wrong-key" not in str(error)


def test_the_voices_of_all_pages_are_listed(vendor: GeminiStandIn, gemini: Gemini) -> None:
    voices = gemini.voices(ENOUGH_S)
    assert [(voice.voice_id, voice.voice_name, voice.gender) for voice in voices] == [
        ("voice_abc123def456", "Our narrator", "neutral"),
        ("Kore", "Kore", "female"),
        ("Puck", "Puck", "male"),
    ]
    assert {voice.language for voice in voices} == {EVERY_LANGUAGE}
    assert [call.path for call in vendor.calls] == [
        "/v1beta/voices?page_size=100",
        "/v1beta/voices?page_size=100&page_token=2",
    ]
