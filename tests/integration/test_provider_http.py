"""actors/providers/http.py against a server that fails in every way it knows."""

import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from actors.providers.http import VendorHttp
from actors.providers.provider import ProviderError
from tests.standins.misbehaviour import BOMB_BYTES
from tests.standins.openai import KEY, OpenAIStandIn

#: Long enough for a slow machine, short enough to wait for.
TIMEOUT_S = 0.4
#: What a call may take beyond its timeout when both cores are busy.
GRACE_S = 1.5
ENOUGH_S = 10.0
#: More than the stand-in says to BODY.
MOST_BYTES = 1_000_000
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
        url = f"{vendor.url}/v1/audio/speech"
        return http.demand("POST", url, timeout_s, headers=headers, content=BODY, max_bytes=MOST_BYTES).body

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


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_to_another_host_with_our_key(
    vendor: OpenAIStandIn, ask: Callable[[float], bytes], status: int
) -> None:
    with OpenAIStandIn() as another:
        vendor.fail(1, status, "", {"Location": f"{another.url}/v1/audio/speech"})
        assert failure(lambda: ask(ENOUGH_S)).permanent
        assert another.calls == []


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


@pytest.mark.parametrize("fault", ["trickle", "trickle_headers", "interim", "stall"])
def test_a_call_that_dawdled_is_not_left_running(
    vendor: OpenAIStandIn, ask: Callable[[float], bytes], fault: Any
) -> None:
    if fault == "stall":
        vendor.stall()
    else:
        vendor.misbehave(fault, interval_s=0.02)
    failure(lambda: ask(TIMEOUT_S))
    deadline = time.monotonic() + ENOUGH_S
    while any(thread.name == "vendor-call" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the call goes on"
        time.sleep(0.005)


def test_what_nobody_waits_for_any_more_is_not_asked(
    vendor: OpenAIStandIn, ask: Callable[[float], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    may_answer = threading.Event()
    resolve = socket.getaddrinfo

    def dawdle(*arguments: Any, **more: Any) -> Any:
        may_answer.wait(ENOUGH_S)
        return resolve(*arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", dawdle)
    failure(lambda: ask(TIMEOUT_S))
    may_answer.set()
    deadline = time.monotonic() + ENOUGH_S
    while any(thread.name == "vendor-call" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the call goes on"
        time.sleep(0.005)
    assert vendor.calls == [], "it would have been billed"


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


def test_a_body_without_end_is_left_where_the_speech_must_end(
    vendor: OpenAIStandIn, ask: Callable[[float], bytes]
) -> None:
    vendor.misbehave("endless", interval_s=0)
    error = failure(lambda: ask(ENOUGH_S))
    assert str(error) == "vendor sent more than the 1,000,000 bytes that its answer can have"
    assert not error.permanent
    assert ask(ENOUGH_S), "the next call is good again"


def test_what_was_packed_is_not_unpacked(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    ask(ENOUGH_S)
    vendor.misbehave("bomb")
    tracemalloc.start()
    error = failure(lambda: ask(ENOUGH_S))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(error) == "vendor sent its answer packed, which it was not asked to"
    assert not error.permanent
    assert most < BOMB_BYTES / 10


def test_a_refusal_that_was_packed_is_told_by_its_status(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    vendor.fail(1, 503, "\x1f\x8b", {"Content-Encoding": "gzip", "Retry-After": "7"})
    error = failure(lambda: ask(ENOUGH_S))
    assert (str(error), error.permanent, error.retry_after_s) == (
        "vendor answered 503: Service Unavailable",
        False,
        7,
    )


def test_a_megabyte_of_headers_is_not_read(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    vendor.misbehave("large_headers")
    begun = time.monotonic()
    assert not failure(lambda: ask(ENOUGH_S)).permanent
    assert time.monotonic() - begun < ENOUGH_S / 2
    assert ask(ENOUGH_S), "the next call is good again"


def test_a_refusal_of_64_kb_costs_no_time(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    vendor.fail(1, 400, "a-" * 32_000)
    begun_s = time.process_time()
    failure(lambda: ask(ENOUGH_S))
    assert time.process_time() - begun_s < 1


def test_a_cookie_is_not_kept(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    vendor.fail(1, 503, "", {"Set-Cookie": "memory=full; Path=/; Max-Age=9999"})
    failure(lambda: ask(ENOUGH_S))
    ask(ENOUGH_S)
    assert "cookie" not in vendor.calls[-1].headers


def test_the_end_ends_a_call_under_way(vendor: OpenAIStandIn, http: VendorHttp, ask: Callable[[float], bytes]) -> None:
    vendor.stall()
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(lambda: failure(lambda: ask(ENOUGH_S)))
        vendor.wait_for_calls(1)
        begun = time.monotonic()
        http.close()
        assert not call.result().permanent
    assert time.monotonic() - begun < ENOUGH_S / 2


def test_a_call_after_the_end_fails_as_any_other(http: VendorHttp, ask: Callable[[float], bytes]) -> None:
    http.close()
    assert not failure(lambda: ask(ENOUGH_S)).permanent


def test_calls_at_once_have_a_connection_each_and_leave_it_to_the_next(
    vendor: OpenAIStandIn, ask: Callable[[float], bytes]
) -> None:
    together = threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        for _ in range(3):
            list(threads.map(lambda _: (together.wait(), ask(ENOUGH_S)), range(4)))
    assert vendor.connections_made <= 4


def test_one_connection_serves_call_after_call(vendor: OpenAIStandIn, ask: Callable[[float], bytes]) -> None:
    for _ in range(3):
        ask(ENOUGH_S)
    assert vendor.connections_made == 1
