"""actors/providers/deepgram.py against its stand-in."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from actors.providers.deepgram import Deepgram
from actors.providers.provider import Line, ProviderError
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins import tone
from tests.standins.deepgram import KEY, DeepgramStandIn
from tests.standins.settings import settings_of

ENOUGH_S = 10.0
LINE = Line('Hello, <b>"world"</b>', "aura-2-thalia-en", "en-US")


@pytest.fixture
def vendor() -> Iterator[DeepgramStandIn]:
    with DeepgramStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def deepgram(vendor: DeepgramStandIn) -> Iterator[Deepgram]:
    provider = Deepgram(settings_of(vendor.environment))
    yield provider
    provider.close()


def refusal(provider: Deepgram, line: Line = LINE) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, ENOUGH_S)
    return raised.value


def test_the_request_is_the_documented_one(vendor: DeepgramStandIn, deepgram: Deepgram) -> None:
    assert deepgram.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)
    [call] = vendor.calls
    query = "model=aura-2-thalia-en&encoding=linear16&container=wav&sample_rate=24000"
    assert (call.method, call.path) == ("POST", f"/v1/speak?{query}")
    assert call.headers["authorization"] == f"Token {KEY}"
    assert call.body == {"text": LINE.text}


@pytest.mark.parametrize("voice_id", ["a&callback=x", "a b", "a/b", "a#b", "a%26b"])
def test_what_would_change_the_query_is_refused_before_a_call(
    vendor: DeepgramStandIn, deepgram: Deepgram, voice_id: str
) -> None:
    assert refusal(deepgram, replace(LINE, voice_id=voice_id)).permanent
    script = Script("deepgram", (Turn("A", "hi", 0),), (VoiceAssignment("A", voice_id),), "en", "mp3", 300, 50)
    assert [problem.field for problem in deepgram.check(script)] == ["voice_assignments[0].voice_id"]
    assert not vendor.calls


@pytest.mark.parametrize("how", ["empty", "garbage", "cut", "short_wav"])
def test_what_is_not_audio_is_transient(vendor: DeepgramStandIn, deepgram: Deepgram, how: Any) -> None:
    vendor.misbehave(how)
    assert not refusal(deepgram).permanent


def test_a_streamed_wav_becomes_a_proper_file(vendor: DeepgramStandIn, deepgram: Deepgram) -> None:
    vendor.misbehave("unknown_sizes")
    assert deepgram.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)


def test_too_many_at_once_is_transient_and_too_long_a_text_is_not(vendor: DeepgramStandIn, deepgram: Deepgram) -> None:
    too_long = refusal(deepgram, replace(LINE, text="x" * 2001))
    assert too_long.permanent
    assert str(too_long) == "deepgram answered 413: Input text exceeds maximum character limit of 2000."
    vendor.limit(calls=0, per_s=60, retry_after_s=3)
    limited = refusal(deepgram)
    assert (limited.permanent, limited.retry_after_s) == (False, 3)


def test_a_wrong_key_is_permanent_and_not_repeated_to_the_user(vendor: DeepgramStandIn) -> None:
    deepgram = Deepgram(settings_of({**vendor.environment, "DEEPGRAM_API_KEY": "wrong-key-of-ours"}))
    error = refusal(deepgram)
    deepgram.close()
    assert error.permanent
    assert str(error) == "deepgram answered 401: Invalid credentials."


def test_the_voices_of_this_protocol_are_listed(deepgram: Deepgram) -> None:
    voices = deepgram.voices(ENOUGH_S)
    assert [(voice.voice_id, voice.voice_name, voice.language, voice.gender) for voice in voices] == [
        ("aura-2-thalia-en", "Thalia", "en-US", "female"),
        ("aura-2-apollo-en", "Apollo", "en-US", "male"),
        ("aura-2-izanami-ja", "Izanami", "ja-JP", None),
    ]
