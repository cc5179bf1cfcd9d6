"""actors/providers/elevenlabs.py against its stand-in, and what the vendors with pages share."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from actors.audio.wav import duration_s
from actors.providers.answers import MAX_PAGES
from actors.providers.elevenlabs import ElevenLabs
from actors.providers.provider import EVERY_LANGUAGE, Line, ProviderError
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins import tone
from tests.standins.elevenlabs import KEY, VOICES, ElevenLabsStandIn
from tests.standins.server import Reply
from tests.standins.settings import settings_of

ENOUGH_S = 10.0
LINE = Line('Hello, <b>"world"</b> 你好', "EXAVITQu4vr4xnSDxMaL", "zh-TW")


@pytest.fixture
def vendor() -> Iterator[ElevenLabsStandIn]:
    with ElevenLabsStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def elevenlabs(vendor: ElevenLabsStandIn) -> Iterator[ElevenLabs]:
    provider = ElevenLabs(settings_of(vendor.environment))
    yield provider
    provider.close()


def refusal(provider: ElevenLabs, line: Line = LINE) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, ENOUGH_S)
    return raised.value


def test_the_request_is_the_documented_one(vendor: ElevenLabsStandIn, elevenlabs: ElevenLabs) -> None:
    assert elevenlabs.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)
    [call] = vendor.calls
    assert (call.method, call.path) == ("POST", f"/v1/text-to-speech/{LINE.voice_id}?output_format=wav_24000")
    assert call.headers["xi-api-key"] == KEY
    assert call.body == {"text": LINE.text, "model_id": "eleven_multilingual_v2"}


def test_a_model_that_can_be_told_the_language_is_told_it(vendor: ElevenLabsStandIn) -> None:
    elevenlabs = ElevenLabs(settings_of({**vendor.environment, "ELEVENLABS_TTS_MODEL": "eleven_v3"}))
    elevenlabs.speak(LINE, ENOUGH_S)
    elevenlabs.close()
    assert vendor.calls[0].body == {"text": LINE.text, "model_id": "eleven_v3", "language_code": "zh"}
    assert "eleven_v3" in elevenlabs.fingerprint


@pytest.mark.parametrize(
    ("model", "characters"), [("eleven_multilingual_v2", 10_000), ("eleven_v3", 5_000), ("eleven_v9", 5_000)]
)
def test_how_long_a_turn_may_be_depends_on_the_model(model: str, characters: int) -> None:
    elevenlabs = ElevenLabs(settings_of({"ELEVENLABS_TTS_MODEL": model}))
    turns = (Turn("A", "x" * characters, 0), Turn("A", "x" * (characters + 1), 1))
    script = Script("elevenlabs", turns, (VoiceAssignment("A", LINE.voice_id),), "en", "mp3", 300, 50)
    assert [problem.field for problem in elevenlabs.check(script)] == ["turns[1].text"]
    elevenlabs.close()


@pytest.mark.parametrize("voice_id", ["a/b", "a?b", "a b", "..", "a%2Fb"])
def test_what_would_change_the_path_is_refused_before_a_call(
    vendor: ElevenLabsStandIn, elevenlabs: ElevenLabs, voice_id: str
) -> None:
    assert refusal(elevenlabs, replace(LINE, voice_id=voice_id)).permanent
    script = Script("elevenlabs", (Turn("A", "hi", 0),), (VoiceAssignment("A", voice_id),), "en", "mp3", 300, 50)
    assert [problem.field for problem in elevenlabs.check(script)] == ["voice_assignments[0].voice_id"]
    assert not vendor.calls


@pytest.mark.parametrize("how", ["empty", "garbage", "cut", "short_wav"])
def test_what_is_not_audio_is_transient(vendor: ElevenLabsStandIn, elevenlabs: ElevenLabs, how: Any) -> None:
    vendor.misbehave(how)
    assert not refusal(elevenlabs).permanent
    assert duration_s(elevenlabs.speak(LINE, ENOUGH_S)) > 0, "the next call is good again"


def test_a_wrong_key_is_permanent_and_not_repeated_to_the_user(vendor: ElevenLabsStandIn) -> None:
    elevenlabs = ElevenLabs(settings_of({**vendor.environment, "ELEVENLABS_API_KEY": "wrong-key-of-ours"}))
    vendor.fail(1, 401, {"detail": {"code": "invalid_api_key", "message": "Invalid: wrong-key-of-ours"}})
    errors = [refusal(elevenlabs) for _ in range(2)]
    elevenlabs.close()
    assert all(error.permanent for error in errors)
    assert [str(error) for error in errors] == [
        "elevenlabs answered 401: Invalid: [hidden]",
        "elevenlabs answered 401: Invalid API key",
    ]


def test_too_many_at_once_is_transient_and_a_quota_used_up_is_not(
    vendor: ElevenLabsStandIn, elevenlabs: ElevenLabs
) -> None:
    vendor.limit(calls=0, per_s=60, retry_after_s=20)
    limited = refusal(elevenlabs)
    assert (limited.permanent, limited.retry_after_s) == (False, 20)
    vendor.fail(1, 429, {"detail": {"status": "system_busy", "message": "busy"}})
    assert not refusal(elevenlabs).permanent
    vendor.fail(1, 401, {"detail": {"status": "quota_exceeded", "message": "0 credits are left"}})
    assert refusal(elevenlabs).permanent


def test_the_voices_of_all_pages_are_listed(vendor: ElevenLabsStandIn, elevenlabs: ElevenLabs) -> None:
    voices = elevenlabs.voices(ENOUGH_S)
    assert [voice.voice_id for voice in voices] == [voice["voice_id"] for voice in VOICES]
    assert [(voice.voice_name, voice.language, voice.gender) for voice in voices] == [
        ("Sarah", EVERY_LANGUAGE, "female"),
        ("George", EVERY_LANGUAGE, "male"),
        ("River", EVERY_LANGUAGE, None),
    ]
    assert [call.path for call in vendor.calls] == [
        "/v2/voices?page_size=100",
        "/v2/voices?page_size=100&next_page_token=2",
    ]


def test_a_list_without_end_is_left(
    vendor: ElevenLabsStandIn, elevenlabs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Reply.of_json(200, {"voices": [], "has_more": True, "next_page_token": "again"})
    monkeypatch.setattr(vendor, "answer", lambda _call: page)
    with pytest.raises(ProviderError) as raised:
        elevenlabs.voices(6 * ENOUGH_S)
    assert not raised.value.permanent
    assert len(vendor.calls) == MAX_PAGES


@pytest.mark.parametrize("listing", ["{", "[]", '{"voices": 5}', '{"voices": [{}]}', '{"voices": [' + "{}," * 100_001])
def test_a_list_that_is_none_is_transient(vendor: ElevenLabsStandIn, elevenlabs: ElevenLabs, listing: str) -> None:
    vendor.fail(1, 200, listing, on="voices")
    with pytest.raises(ProviderError) as raised:
        elevenlabs.voices(ENOUGH_S)
    assert not raised.value.permanent
    assert str(raised.value) == "elevenlabs sent a list of voices that is none"
