"""actors/providers/polly.py against its stand-in."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from actors.providers.polly import Polly
from actors.providers.provider import Line, ProviderError
from tests.standins import tone
from tests.standins.polly import KEY, KEY_ID, PollyStandIn
from tests.standins.settings import settings_of

ENOUGH_S = 10.0
LINE = Line('Hello, <b>"world"</b> & you', "Joanna", "en-US")


@pytest.fixture
def vendor() -> Iterator[PollyStandIn]:
    with PollyStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def polly(vendor: PollyStandIn) -> Iterator[Polly]:
    provider = Polly(settings_of(vendor.environment))
    yield provider
    provider.close()


def refusal(provider: Polly, line: Line = LINE) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, ENOUGH_S)
    return raised.value


def test_the_request_is_the_documented_one(vendor: PollyStandIn, polly: Polly) -> None:
    assert polly.speak(LINE, ENOUGH_S) == tone.ogg(LINE.text, LINE.voice_id)
    [call] = vendor.calls
    assert (call.method, call.path) == ("POST", "/v1/speech")
    assert call.headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/")
    assert KEY not in str(call.headers)
    assert call.body["asked"] == {
        "Engine": "neural",
        "OutputFormat": "ogg_vorbis",
        "SampleRate": "24000",
        "Text": LINE.text,
        "TextType": "text",
        "VoiceId": "Joanna",
    }


def test_a_wrong_secret_makes_a_wrong_signature_and_is_permanent(vendor: PollyStandIn) -> None:
    polly = Polly(settings_of({**vendor.environment, "POLLY_SECRET_ACCESS_KEY": "wrong-key-of-ours"}))
    error = refusal(polly)
    polly.close()
    assert error.permanent
    assert str(error) == "polly answered 403: The request signature we calculated does not match yours."


def test_a_wrong_key_id_is_permanent_and_not_repeated_to_the_user(vendor: PollyStandIn) -> None:
    polly = Polly(settings_of({**vendor.environment, "POLLY_ACCESS_KEY_ID": "AKIAWRONGKEYOFOURS00"}))
    vendor.fail(1, 403, {"message": "AKIAWRONGKEYOFOURS00 is not authorized to perform polly:SynthesizeSpeech"})
    errors = [refusal(polly) for _ in range(2)]
    polly.close()
    assert all(error.permanent for error in errors)
    assert "AKIA" not in str(errors)


def test_to_be_asked_too_often_is_a_400_that_passes(vendor: PollyStandIn, polly: Polly) -> None:
    vendor.limit(calls=0, per_s=60)
    assert not refusal(polly).permanent
    vendor.fail(1, 400, {"__type": "com.amazonaws.polly#ThrottlingException", "message": "Rate exceeded"})
    assert not refusal(polly).permanent


@pytest.mark.parametrize("status", [400, 402, 403])
def test_another_refusal_is_permanent(vendor: PollyStandIn, polly: Polly, status: int) -> None:
    vendor.fail(1, status, {"message": "no"}, {"x-amzn-ErrorType": "ServiceQuotaExceededException"})
    vendor.fail(1, status, "<html>")
    assert [refusal(polly).permanent for _ in range(2)] == [True, True]


def test_the_engine_is_ours_to_choose_and_its_voices_are_listed(vendor: PollyStandIn) -> None:
    polly = Polly(settings_of({**vendor.environment, "POLLY_ENGINE": "standard"}))
    voices = {voice.voice_id: voice for voice in polly.voices(ENOUGH_S)}
    assert list(voices) == ["Zhiyu", "Joanna", "Matthew", "Zeina"]
    assert (voices["Zeina"].language, voices["Matthew"].gender) == ("ar", "male")
    polly.speak(replace(LINE, voice_id="Zeina"), ENOUGH_S)
    assert "standard" in polly.fingerprint
    polly.close()


def test_a_token_of_a_page_is_signed_as_it_is_sent(vendor: PollyStandIn, polly: Polly) -> None:
    assert len(polly.voices(ENOUGH_S)) == 4
    assert [call.path for call in vendor.calls] == [
        "/v1/voices?Engine=neural",
        "/v1/voices?Engine=neural&NextToken=after%202%2B%3D",
    ]


def test_a_region_and_both_keys_are_needed() -> None:
    polly = Polly(settings_of({"POLLY_SECRET_ACCESS_KEY": KEY}))
    assert list(polly.missing_settings) == ["POLLY_ACCESS_KEY_ID", "POLLY_REGION"]
    polly.close()


@pytest.mark.parametrize("how", ["empty", "garbage", "cut"])
def test_what_is_not_audio_is_transient(vendor: PollyStandIn, polly: Polly, how: Any) -> None:
    vendor.misbehave(how)
    assert not refusal(polly).permanent
    assert polly.speak(LINE, ENOUGH_S), "the next call is good again"
