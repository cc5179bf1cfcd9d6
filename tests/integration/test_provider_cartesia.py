"""actors/providers/cartesia.py against its stand-in."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from actors.providers.cartesia import Cartesia
from actors.providers.provider import Line, ProviderError
from tests.standins import tone
from tests.standins.cartesia import KEY, VOICES, CartesiaStandIn
from tests.standins.settings import settings_of

ENOUGH_S = 10.0
LINE = Line('Hello, <b>"world"</b> 你好', VOICES[0]["id"], "zh-TW")


@pytest.fixture
def vendor() -> Iterator[CartesiaStandIn]:
    with CartesiaStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def cartesia(vendor: CartesiaStandIn) -> Iterator[Cartesia]:
    provider = Cartesia(settings_of(vendor.environment))
    yield provider
    provider.close()


def refusal(provider: Cartesia, line: Line = LINE) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, ENOUGH_S)
    return raised.value


def test_the_request_is_the_documented_one(vendor: CartesiaStandIn, cartesia: Cartesia) -> None:
    assert cartesia.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)
    [call] = vendor.calls
    assert (call.method, call.path) == ("POST", "/tts/bytes")
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.headers["cartesia-version"] == "2026-08-14"
    assert call.body == {
        "model_id": "sonic-3.5",
        "transcript": LINE.text,
        "voice": {"mode": "id", "id": LINE.voice_id},
        "language": "zh",
        "output_format": {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 24000},
    }


@pytest.mark.parametrize(("language", "asked"), [("en-GB", "en"), ("nb-NO", "no"), ("zh-CN", "zh")])
def test_languages_have_the_names_that_cartesia_knows(
    vendor: CartesiaStandIn, cartesia: Cartesia, language: str, asked: str
) -> None:
    cartesia.speak(replace(LINE, language=language), ENOUGH_S)
    assert vendor.calls[0].body["language"] == asked


def test_a_language_that_it_does_not_speak_is_refused_for_good(cartesia: Cartesia) -> None:
    error = refusal(cartesia, replace(LINE, language="hak"))
    assert error.permanent
    assert str(error) == "cartesia answered 400: hak is not supported."


def test_the_model_is_ours_to_choose(vendor: CartesiaStandIn) -> None:
    cartesia = Cartesia(settings_of({**vendor.environment, "CARTESIA_TTS_MODEL": "sonic-3"}))
    cartesia.speak(LINE, ENOUGH_S)
    cartesia.close()
    assert vendor.calls[0].body["model_id"] == "sonic-3"
    assert "sonic-3 " in cartesia.fingerprint


@pytest.mark.parametrize("how", ["empty", "garbage", "cut", "short_wav"])
def test_what_is_not_audio_is_transient(vendor: CartesiaStandIn, cartesia: Cartesia, how: Any) -> None:
    vendor.misbehave(how)
    assert not refusal(cartesia).permanent


def test_a_streamed_wav_becomes_a_proper_file(vendor: CartesiaStandIn, cartesia: Cartesia) -> None:
    vendor.misbehave("unknown_sizes")
    assert cartesia.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)


def test_too_many_at_once_is_transient_and_no_credits_left_is_not(vendor: CartesiaStandIn, cartesia: Cartesia) -> None:
    vendor.limit(calls=0, per_s=60, retry_after_s=2)
    limited = refusal(cartesia)
    assert (limited.permanent, limited.retry_after_s) == (False, 2)
    vendor.fail(1, 402, {"error_code": None, "title": "Payment required", "message": "No credits left"})
    assert refusal(cartesia).permanent


def test_a_wrong_key_is_permanent_and_not_repeated_to_the_user(vendor: CartesiaStandIn) -> None:
    cartesia = Cartesia(settings_of({**vendor.environment, "CARTESIA_API_KEY": "wrong-key-of-ours"}))
    error = refusal(cartesia)
    cartesia.close()
    assert error.permanent
    assert str(error) == "cartesia answered 401: The API key is invalid."


def test_the_voices_of_all_pages_are_listed(vendor: CartesiaStandIn, cartesia: Cartesia) -> None:
    voices = cartesia.voices(ENOUGH_S)
    assert [(voice.voice_name, voice.language, voice.gender) for voice in voices] == [
        ("Yue", "zh", "female"),
        ("Hua", "zh", "male"),
        ("Katie", "en", "female"),
        ("Jameson", "en", None),
    ]
    assert [call.path for call in vendor.calls] == [
        "/voices?limit=100",
        f"/voices?limit=100&starting_after={VOICES[2]['id']}",
    ]
