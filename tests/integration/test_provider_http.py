"""actors/providers/http.py against a server that fails in every way it knows."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from actors.providers import http as http_module
from actors.providers.http import VendorHttp
from actors.providers.provider import ProviderError
from tests.standins.openai import KEY, OpenAIStandIn

#: Long enough for a slow machine, short enough to wait for.
TIMEOUT_S = 0.4
#: What a call may take beyond its timeout when both cores are busy.
GRACE_S = 1.5
ENOUGH_S = 10.0
BODY = b'{"model": "m", "input": "hello", "voice": "alloy", "response_format": "wav"}'


@pytest.fixture
def vendor() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def http() -> Iterator[VendorHttp]:
    client = VendorHttp("vendor", secrets=[KEY])
    yield client
    client.close()


@pytest.fixture
def ask(vendor: OpenAIStandIn, http: VendorHttp) -> Callable[[float], bytes]:
    """Ask the vendor for speech, within so many seconds."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}

    def demand(timeout_s: float) -> bytes:
        return http.demand("POST", f"{vendor.url}/v1/audio/speech", timeout_s, headers=headers, content=BODY).body

    return demand


def failure(call: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        call()
    return raised.value


def test_a_good_answer_comes_whole(ask: Callable[[float], bytes]) -> None:
    assert ask(ENOUGH_S).startswith(b"RIFF")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_told_with_the_wait_and_never_tried_again(
    vendor: OpenAIStandIn, ask: Callable[[float], bytes], status: int
) -> None:
    vendor.fail(1, status, {"error": {"message": "later, please"}}, {"Retry-After": "12"})
    error = failure(lambda: ask(ENOUGH_S))
    assert (error.permanent, error.retry_after_s) == (False, 12)
    assert str(error) == f"vendor answered {status}: later, please"
    assert len(vendor.calls) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422])
def test_what_will_not_pass_is_told(vendor: OpenAIStandIn, ask: Callable[[float], bytes], status: int) -> None:
    vendor.fail(1, status, "no")
    assert failure(lambda: ask(ENOUGH_S)).permanent


def test_a_redirect_is_not_followed(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    vendor.fail(1, 307, "", {"Location": "http://127.0.0.1:9/"})
    assert failure(lambda: ask(ENOUGH_S)).permanent


def test_the_words_are_cut_and_cleaned(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    vendor.fail(1, 500, f"no\n{KEY}\x00 https://speech.test/x?sig=abc " + "x " * 100_000)
    words = str(failure(lambda: ask(ENOUGH_S)))
    assert words.startswith("vendor answered 500: no [hidden] https://speech.test/x x x")
    assert len(words) == 300


def test_a_body_that_is_cut_is_transient(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    vendor.misbehave("cut")
    assert not failure(lambda: ask(ENOUGH_S)).permanent
    assert ask(ENOUGH_S), "the next call is good again"


def test_nobody_listening_is_transient(http: VendorHttp) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert not failure(lambda: http.ask("GET", url, ENOUGH_S, headers={})).permanent


@pytest.mark.parametrize("url", ["ftp://speech.test/", "/v1", "http://speech.test:port/"])
def test_an_address_that_cannot_be_meant_is_permanent(http: VendorHttp, url: str) -> None:
    assert failure(lambda: http.ask("GET", url, ENOUGH_S, headers={})).permanent


def test_a_header_that_cannot_be_sent_is_permanent(vendor: OpenAIStandIn, http: VendorHttp) -> None:
    for value in ("a\nb", "ключ"):
        assert failure(lambda value=value: http.ask("GET", vendor.url, ENOUGH_S, headers={"X-Key": value})).permanent


@pytest.mark.parametrize("fault", ["stall", "trickle", "trickle_headers"])
def test_a_call_ends_in_time_however_the_vendor_dawdles(
    vendor: OpenAIStandIn, ask: Callable[[float], bytes], fault: str
) -> None:
    if fault == "stall":
        vendor.stall()
    elif fault == "trickle":
        vendor.misbehave("trickle", interval_s=0.02)
    else:
        vendor.misbehave("trickle_headers", interval_s=0.02)
    begun = time.monotonic()
    error = failure(lambda: ask(TIMEOUT_S))
    assert TIMEOUT_S * 0.9 < time.monotonic() - begun < TIMEOUT_S + GRACE_S
    assert (str(error), error.permanent) == ("vendor did not answer in time", False)


def test_a_call_that_dawdled_is_not_left_running(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    vendor.misbehave("trickle", interval_s=0.02)
    failure(lambda: ask(TIMEOUT_S))
    deadline = time.monotonic() + ENOUGH_S
    while any(thread.name == "vendor-call" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the call goes on"
        time.sleep(0.005)


def test_a_name_that_takes_long_to_look_up_does_not_hold_the_call(
    http: VendorHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def dawdle(*_arguments: object, **_more: object) -> None:
        answered.wait(ENOUGH_S)
        raise OSError("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", dawdle)
    begun = time.monotonic()
    error = failure(lambda: http.ask("GET", "http://speech.test/", TIMEOUT_S, headers={}))
    answered.set()
    assert not error.permanent
    assert time.monotonic() - begun < TIMEOUT_S + GRACE_S


def test_a_body_without_end_is_refused_for_good(
    vendor: OpenAIStandIn, ask: Callable[[float], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "MAX_BODY_BYTES", 5_000_000)
    vendor.misbehave("endless", interval_s=0)
    error = failure(lambda: ask(ENOUGH_S))
    assert error.permanent
    assert "64 MiB" in str(error)


def test_a_call_after_the_end_fails_as_any_other(http: VendorHttp, ask: Callable[[float], bytes]) -> None:
    http.close()
    assert not failure(lambda: ask(ENOUGH_S)).permanent


def test_one_connection_serves_call_after_call(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    for _ in range(3):
        ask(ENOUGH_S)
    assert vendor.connections_made == 1
