"""tests/standins: the servers that other tests believe."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.audio.segment import AudioError, normalize_segment
from tests.standins import tone
from tests.standins.azure import KEY as AZURE_KEY
from tests.standins.azure import VOICES as AZURE_VOICES
from tests.standins.azure import AzureStandIn
from tests.standins.openai import KEY as OPENAI_KEY
from tests.standins.openai import VOICES as OPENAI_VOICES
from tests.standins.openai import OpenAIStandIn

ROOT = Path(__file__).parents[2]
GOOD = {"model": "m", "input": "hello", "voice": "alloy", "response_format": "wav"}
SSML = (
    '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-US">'
    '<voice name="en-US-JennyNeural">hello</voice></speak>'
)
AZURE_HEADERS = {
    "Ocp-Apim-Subscription-Key": AZURE_KEY,
    "Content-Type": "application/ssml+xml",
    "X-Microsoft-OutputFormat": "riff-24khz-16bit-mono-pcm",
}


@pytest.fixture
def openai() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def azure() -> Iterator[AzureStandIn]:
    with AzureStandIn() as stand_in:
        yield stand_in


def speak(url: str, body: Any = GOOD, key: str = OPENAI_KEY) -> httpx.Response:
    return httpx.post(f"{url}/v1/audio/speech", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=10)


def test_a_flac_that_lasts_for_hours_is_small_and_is_refused_before_it_is_unpacked(openai: OpenAIStandIn) -> None:
    openai.misbehave("slow_flac")
    openai.fail(1, 503)
    assert openai.calls_to_spoil == 2

    assert speak(openai.url).status_code == 503
    sent = speak(openai.url).content

    assert openai.calls_to_spoil == 0
    assert len(sent) < 10_000
    with pytest.raises(AudioError, match="10 samples a second"):
        normalize_segment(sent, text="hello")


def test_a_good_request_is_spoken_as_long_as_its_text_in_the_pitch_of_its_voice(openai: OpenAIStandIn) -> None:
    assert speak(openai.url).content == tone.wav("hello", "alloy")
    assert len(tone.pcm("hello", "alloy")) == 2 * 24 * 5 * tone.MS_A_CHARACTER
    voices = [*OPENAI_VOICES, *(voice["ShortName"] for voice in AZURE_VOICES)]
    assert len({tone.frequency_hz(voice) for voice in voices}) == len(voices)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"model": ""}, 400),
        ({"input": None}, 400),
        ({"input": "x" * 4097}, 400),
        ({"voice": "bella"}, 400),
        ({"response_format": "ogg"}, 400),
    ],
)
def test_openai_refuses_what_the_protocol_refuses(openai: OpenAIStandIn, change: Any, status: int) -> None:
    refused = speak(openai.url, GOOD | change)
    assert refused.status_code == status
    assert refused.json()["error"]["message"]


def test_openai_refuses_a_wrong_key_and_a_wrong_path(openai: OpenAIStandIn) -> None:
    assert speak(openai.url, key="wrong").status_code == 401
    assert speak(f"{openai.url}/other").status_code == 404


@pytest.mark.parametrize(
    ("headers", "ssml", "status"),
    [
        ({}, SSML, 200),
        ({"Ocp-Apim-Subscription-Key": "wrong"}, SSML, 401),
        ({"Content-Type": "text/plain"}, SSML, 415),
        ({"X-Microsoft-OutputFormat": "mp3"}, SSML, 400),
        ({"User-Agent": ""}, SSML, 400),
        ({}, SSML.replace("</voice>", ""), 400),
        ({}, SSML.replace(' version="1.0"', ""), 400),
        ({}, SSML.replace("Jenny", "Nobody"), 400),
        ({}, "<speak/>", 400),
    ],
)
def test_azure_refuses_what_the_protocol_refuses(
    azure: AzureStandIn, headers: dict[str, str], ssml: str, status: int
) -> None:
    url = f"{azure.url}/cognitiveservices/v1"
    assert httpx.post(url, content=ssml, headers=AZURE_HEADERS | headers).status_code == status


def test_failures_come_in_the_order_they_were_asked_for(openai: OpenAIStandIn) -> None:
    openai.fail(2, 503, "busy", {"Retry-After": "3"})
    openai.fail(1, 400, {"error": {"message": "no"}})
    answers = [speak(openai.url) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 400, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert [call.status for call in openai.calls] == [503, 503, 400, 200]


def test_what_is_stalled_is_answered_when_released(openai: OpenAIStandIn) -> None:
    openai.stall()
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(speak, openai.url) for _ in range(2)]
        openai.wait_for_calls(2)
        assert [call.status for call in openai.calls] == [None, None]
        openai.release()
        assert [answer.result().status_code for answer in waiting] == [200, 200]


def test_a_delay_and_a_stall_of_seconds_pass_by_themselves(openai: OpenAIStandIn) -> None:
    openai.delay(0.1)
    openai.stall(0.1)
    begun = time.monotonic()
    assert speak(openai.url).status_code == 200
    assert time.monotonic() - begun >= 0.2


def test_calls_over_the_limit_are_refused(openai: OpenAIStandIn) -> None:
    openai.limit(calls=2, per_s=60, retry_after_s=7)
    answers = [speak(openai.url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "7"
    openai.reset()
    assert openai.calls == []
    assert speak(openai.url).status_code == 200


def test_it_ends_with_calls_in_hand_and_leaves_no_thread() -> None:
    before = threading.active_count()
    stand_in = OpenAIStandIn()
    stand_in.stall()
    with ThreadPoolExecutor(1) as threads, httpx.Client() as idle:
        idle.get(f"{stand_in.url}/_calls")
        threads.submit(speak, stand_in.url)
        stand_in.wait_for_calls(1)
        stand_in.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_of_its_own_it_is_driven_over_http(ends: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.standins", "openai", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        orders = {"fail": {"times": 1, "status": 503}, "delay": {"seconds": 0.01}, "release": True}
        assert httpx.post(f"{url}/_control", json=orders).status_code == 200
        assert [speak(url).status_code for _ in range(2)] == [503, 200]
        calls = httpx.get(f"{url}/_calls").json()
        assert [(call["body"]["input"], call["status"]) for call in calls] == [("hello", 503), ("hello", 200)]
        assert 0 <= time.monotonic() - calls[1]["at"] < 60
        process.send_signal(ends)
        assert process.wait(10) == 0
