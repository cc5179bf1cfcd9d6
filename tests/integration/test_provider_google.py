"""actors/providers/google.py against its stand-in."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from actors.providers.google import MAX_TURN_BYTES, Google
from actors.providers.provider import Line, ProviderError
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins import tone
from tests.standins.google import KEY, GoogleStandIn
from tests.standins.settings import settings_of

ENOUGH_S = 10.0
LINE = Line('Hello, <b>"world"</b> 你好', "cmn-TW-Wavenet-A", "zh-TW")


@pytest.fixture
def vendor() -> Iterator[GoogleStandIn]:
    with GoogleStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def google(vendor: GoogleStandIn) -> Iterator[Google]:
    provider = Google(settings_of(vendor.environment))
    yield provider
    provider.close()


def refusal(provider: Google, line: Line = LINE) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, ENOUGH_S)
    return raised.value


def test_the_request_is_the_documented_one_and_the_key_is_in_no_address(vendor: GoogleStandIn, google: Google) -> None:
    assert google.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)
    [call] = vendor.calls
    assert (call.method, call.path) == ("POST", "/v1/text:synthesize")
    assert call.headers["x-goog-api-key"] == KEY
    assert call.body == {
        "input": {"text": LINE.text},
        "voice": {"languageCode": "cmn-TW", "name": "cmn-TW-Wavenet-A"},
        "audioConfig": {"audioEncoding": "LINEAR16", "sampleRateHertz": 24000},
    }


def test_a_turn_is_as_long_as_its_bytes() -> None:
    google = Google(settings_of({"GOOGLE_TTS_API_KEY": KEY}))
    turns = tuple(Turn("A", text, n) for n, text in enumerate(["x" * MAX_TURN_BYTES, "好" * 1666, "好" * 1667]))
    script = Script("google", turns, (VoiceAssignment("A", LINE.voice_id),), "zh-TW", "mp3", 300, 50)
    assert [problem.field for problem in google.check(script)] == ["turns[2].text"]
    google.close()


def test_a_voice_without_a_language_is_not_offered_and_not_asked_for(vendor: GoogleStandIn, google: Google) -> None:
    assert "Achernar" not in {voice.voice_id for voice in google.voices(ENOUGH_S)}
    calls = len(vendor.calls)
    assert refusal(google, replace(LINE, voice_id="Achernar")).permanent
    assert len(vendor.calls) == calls


def test_the_voices_have_language_and_gender(google: Google) -> None:
    voices = {voice.voice_id: voice for voice in google.voices(ENOUGH_S)}
    assert (voices["cmn-TW-Wavenet-B"].language, voices["cmn-TW-Wavenet-B"].gender) == ("cmn-TW", "male")
    assert voices["cmn-TW-Wavenet-B"].speaks("zh-TW")
    assert voices["yue-HK-Standard-A"].gender is None


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"audioContent": 5}', '{"audioContent": "%%"}', "[" * 60_000])
def test_what_is_not_audio_is_transient(vendor: GoogleStandIn, google: Google, body: str) -> None:
    vendor.fail(1, 200, body)
    assert not refusal(google).permanent


@pytest.mark.parametrize("how", ["empty", "garbage", "cut"])
def test_a_spoilt_answer_is_transient(vendor: GoogleStandIn, google: Google, how: Any) -> None:
    vendor.misbehave(how)
    assert not refusal(google).permanent


def test_a_wrong_key_is_permanent_and_not_repeated_to_the_user(vendor: GoogleStandIn) -> None:
    google = Google(settings_of({**vendor.environment, "GOOGLE_TTS_API_KEY": "wrong-key-of-ours"}))
    error = refusal(google)
    google.close()
    assert error.permanent
    assert str(error) == "google answered 400: API key not valid. Please pass a valid API key."


def test_a_quota_of_a_minute_is_transient(vendor: GoogleStandIn, google: Google) -> None:
    vendor.limit(calls=0, per_s=60, retry_after_s=30)
    error = refusal(google)
    assert (error.permanent, error.retry_after_s) == (False, 30)
