"""actors/providers/azure.py against its stand-in."""

import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from actors.audio.wav import wav_of
from actors.providers import voice_list
from actors.providers.azure import Azure
from actors.providers.provider import Line, ProviderError
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins import tone
from tests.standins.azure import KEY, AzureStandIn
from tests.standins.server import Reply
from tests.standins.settings import settings_of

ENOUGH_S = 10.0
LINE = Line('你好 <b>&amp;</b> "world" it\'s', "zh-TW-HsiaoYuNeural", "zh-TW")


@pytest.fixture
def vendor() -> Iterator[AzureStandIn]:
    with AzureStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def azure(vendor: AzureStandIn) -> Iterator[Azure]:
    provider = Azure(settings_of(vendor.environment))
    yield provider
    provider.close()


def refusal(provider: Azure, line: Line = LINE) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, ENOUGH_S)
    return raised.value


def test_the_request_is_the_documented_one(vendor: AzureStandIn, azure: Azure) -> None:
    assert azure.speak(LINE, ENOUGH_S) == tone.wav(LINE.text, LINE.voice_id)
    [call] = vendor.calls
    assert (call.method, call.path) == ("POST", "/cognitiveservices/v1")
    assert call.headers["ocp-apim-subscription-key"] == KEY
    assert call.headers["content-type"] == "application/ssml+xml"
    assert call.headers["x-microsoft-outputformat"] == "riff-24khz-16bit-mono-pcm"
    assert call.headers["user-agent"]
    assert call.body == {"language": "zh-TW", "spoken": [["zh-TW-HsiaoYuNeural", LINE.text]]}


def test_an_unknown_voice_and_a_wrong_key_are_permanent(vendor: AzureStandIn, azure: Azure) -> None:
    assert refusal(azure, Line("hi", "zh-TW-NobodyNeural", "zh-TW")).permanent
    stranger = Azure(settings_of({**vendor.environment, "AZURE_SPEECH_KEY": "wrong-key-of-ours"}))
    error = refusal(stranger)
    stranger.close()
    assert error.permanent
    assert str(error).startswith("azure answered 401: Access denied due to invalid subscription key")


@pytest.mark.parametrize("status", [429, 502, 503])
def test_what_may_pass_is_transient(vendor: AzureStandIn, azure: Azure, status: int) -> None:
    vendor.fail(1, status, headers={"Retry-After": "9"})
    error = refusal(azure)
    assert (error.permanent, error.retry_after_s) == (False, 9)


@pytest.mark.parametrize("how", ["empty", "garbage", "cut", "short_wav"])
def test_what_is_not_audio_is_transient(vendor: AzureStandIn, azure: Azure, how: Any) -> None:
    vendor.misbehave(how)
    assert not refusal(azure).permanent


def test_audio_that_azure_has_cut_at_ten_minutes_is_refused_for_good(
    vendor: AzureStandIn, azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    ten_minutes = wav_of(b"\1\0" * 8000 * 600, 8000)
    monkeypatch.setattr(vendor, "answer", lambda _call: Reply(200, ten_minutes))
    error = refusal(azure, replace(LINE, text="hello " * 1500))
    assert error.permanent
    assert "ten minutes" in str(error)


def test_the_voices_are_named_as_azure_names_them(azure: Azure) -> None:
    first = azure.voices(ENOUGH_S)[0]
    assert (first.voice_id, first.voice_name) == ("zh-TW-HsiaoYuNeural", "曉雨")
    assert (first.language, first.gender) == ("zh-TW", "female")


def test_the_list_is_asked_for_once_an_hour(
    vendor: AzureStandIn, azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(voice_list.time, "monotonic", lambda: now[0])
    azure.voices(ENOUGH_S)
    now[0] += voice_list.KEPT_S - 1
    azure.voices(ENOUGH_S)
    assert len(vendor.calls) == 1
    now[0] += 1
    azure.voices(ENOUGH_S)
    assert len(vendor.calls) == 2


def test_many_who_ask_at_once_are_one_call(vendor: AzureStandIn, azure: Azure) -> None:
    at_once = threading.Barrier(8)
    answers: list[int] = []

    def ask() -> None:
        at_once.wait()
        answers.append(len(azure.voices(ENOUGH_S)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert (len(answers), len(vendor.calls)) == (8, 1)


def test_a_list_of_more_than_any_vendor_has_to_say_costs_no_memory(vendor: AzureStandIn, azure: Azure) -> None:
    vendor.fail(1, 200, "[" + "{}," * 1_300_000 + "{}]", on="voices")
    tracemalloc.start()
    with pytest.raises(ProviderError) as raised:
        azure.voices(ENOUGH_S)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not raised.value.permanent
    assert most < 25_000_000


@pytest.mark.parametrize("listing", ["{", '{"error": 1}', "[1]", '[{"ShortName": "x"}]', "[" * 60_000])
def test_a_list_that_is_none_is_transient(vendor: AzureStandIn, azure: Azure, listing: str) -> None:
    vendor.fail(1, 200, listing, on="voices")
    with pytest.raises(ProviderError) as raised:
        azure.voices(ENOUGH_S)
    assert not raised.value.permanent


def test_a_voice_is_checked_against_the_list_once_it_is_known(azure: Azure) -> None:
    script = Script(
        "azure", (Turn("A", "hi", 0),), (VoiceAssignment("A", "zh-TW-NobodyNeural"),), "zh-TW", "mp3", 300, 50
    )
    assert not azure.check(script)
    azure.voices(ENOUGH_S)
    assert [problem.field for problem in azure.check(script)] == ["voice_assignments[0].voice_id"]
