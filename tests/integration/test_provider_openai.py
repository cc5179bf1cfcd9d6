"""actors/providers/openai.py against its stand-in."""

from collections.abc import Iterator
from typing import Any

import pytest

from actors.audio.wav import duration_s
from actors.providers.openai import MAX_TURN_CHARACTERS, OPENAI_VOICES, OpenAI
from actors.providers.provider import EVERY_LANGUAGE, Line, ProviderError
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins import tone
from tests.standins.openai import KEY, VOICES, OpenAIStandIn
from tests.standins.settings import settings_of

ENOUGH_S = 10.0
LINE = Line('Hello, "world" 你好', "alloy", "zh-TW")


@pytest.fixture
def vendor() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def openai(vendor: OpenAIStandIn) -> Iterator[OpenAI]:
    provider = OpenAI(settings_of(vendor.environment))
    yield provider
    provider.close()


def refusal(provider: OpenAI, line: Line = LINE) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, ENOUGH_S)
    return raised.value


def test_the_request_is_the_documented_one(vendor: OpenAIStandIn, openai: OpenAI) -> None:
    assert openai.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)
    [call] = vendor.calls
    assert (call.method, call.path) == ("POST", "/v1/audio/speech")
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.body == {
        "model": "gpt-4o-mini-tts",
        "input": LINE.text,
        "voice": "alloy",
        "response_format": "wav",
        "stream": False,
    }


def test_openai_itself_is_not_sent_a_field_that_it_does_not_know(
    vendor: OpenAIStandIn, openai: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "_is_openai_itself", True)
    openai.speak(LINE, ENOUGH_S)
    assert "stream" not in vendor.calls[0].body


def test_the_model_is_ours_to_choose(vendor: OpenAIStandIn) -> None:
    openai = OpenAI(settings_of({**vendor.environment, "OPENAI_TTS_MODEL": "kokoro"}))
    openai.speak(LINE, ENOUGH_S)
    openai.close()
    assert vendor.calls[0].body["model"] == "kokoro"
    assert "kokoro" in openai.fingerprint


@pytest.mark.parametrize("how", ["unknown_sizes", "pcm"])
def test_a_streamed_wav_and_bare_samples_become_a_proper_file(vendor: OpenAIStandIn, openai: OpenAI, how: Any) -> None:
    vendor.misbehave(how)
    assert openai.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)


@pytest.mark.parametrize("how", ["empty", "garbage", "cut", "short_wav"])
def test_what_is_not_audio_is_transient(vendor: OpenAIStandIn, openai: OpenAI, how: Any) -> None:
    vendor.misbehave(how)
    assert not refusal(openai).permanent
    assert duration_s(openai.speak(LINE, ENOUGH_S)) > 0, "the next call is good again"


def test_a_wrong_key_is_permanent_and_not_repeated_to_the_user(vendor: OpenAIStandIn) -> None:
    openai = OpenAI(settings_of({**vendor.environment, "OPENAI_API_KEY": "wrong-key-of-ours"}))
    error = refusal(openai)
    openai.close()
    assert error.permanent
    assert str(error) == "openai answered 401: Incorrect API key provided: [hidden]."


def test_a_rate_limit_is_transient_and_a_quota_used_up_is_not(vendor: OpenAIStandIn, openai: OpenAI) -> None:
    vendor.limit(calls=0, per_s=60, retry_after_s=20)
    limited = refusal(openai)
    assert (limited.permanent, limited.retry_after_s) == (False, 20)
    vendor.fail(1, 429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}})
    assert refusal(openai).permanent


def test_the_voices_of_openai_itself_are_fixed_and_need_a_key() -> None:
    openai = OpenAI(settings_of({}))
    assert [voice.voice_id for voice in openai.voices(ENOUGH_S)] == list(OPENAI_VOICES)
    assert {voice.language for voice in openai.voices(ENOUGH_S)} == {EVERY_LANGUAGE}
    assert list(openai.missing_settings) == ["OPENAI_API_KEY"]
    openai.close()


def test_a_compatible_server_needs_no_key(vendor: OpenAIStandIn) -> None:
    openai = OpenAI(settings_of({"OPENAI_BASE_URL": vendor.environment["OPENAI_BASE_URL"]}))
    assert not openai.missing_settings
    assert refusal(openai).permanent, "this one does want a key"
    assert "authorization" not in vendor.calls[0].headers
    openai.close()


@pytest.mark.parametrize(
    "listing",
    [
        {"voices": ["af_bella", "中文女"]},
        {"voices": [{"id": "af_bella", "name": "Bella"}, {"id": "中文女"}]},
        {"object": "list", "data": [{"voice_id": "af_bella"}, {"name": "中文女"}]},
        ["af_bella", "中文女", 7, None, {"id": None}],
    ],
)
def test_a_compatible_server_lists_its_voices_in_a_shape_of_its_own(
    vendor: OpenAIStandIn, openai: OpenAI, listing: Any
) -> None:
    vendor.listing = listing
    assert [voice.voice_id for voice in openai.voices(ENOUGH_S)] == ["af_bella", "中文女"]


@pytest.mark.parametrize("listing", [None, {"voices": []}, {"voices": 5}, "soon", 7])
def test_a_server_that_lists_nothing_has_the_voices_that_we_are_told(vendor: OpenAIStandIn, listing: Any) -> None:
    vendor.listing = listing
    openai = OpenAI(settings_of({**vendor.environment, "OPENAI_TTS_VOICES": "one,two"}))
    assert [voice.voice_id for voice in openai.voices(ENOUGH_S)] == ["one", "two"]
    openai.close()


def test_the_list_is_asked_for_once_but_again_after_a_failure(vendor: OpenAIStandIn, openai: OpenAI) -> None:
    vendor.fail(1, 503, on="voices")
    with pytest.raises(ProviderError):
        openai.voices(ENOUGH_S)
    for _ in range(3):
        assert [voice.voice_id for voice in openai.voices(ENOUGH_S)] == list(VOICES)
    assert len(vendor.calls_for("voices")) == 2


def test_a_turn_over_the_limit_and_an_unknown_voice_are_told_before() -> None:
    openai = OpenAI(settings_of({"OPENAI_API_KEY": "k"}))
    turns = (Turn("A", "x" * MAX_TURN_CHARACTERS, 0), Turn("A", "x" * (MAX_TURN_CHARACTERS + 1), 1))
    problems = openai.check(Script("openai", turns, (VoiceAssignment("A", "bella"),), "en", "mp3", 300, 50))
    assert [problem.field for problem in problems] == ["voice_assignments[0].voice_id", "turns[1].text"]
    openai.close()
