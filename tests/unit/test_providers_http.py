"""actors/providers/http.py: how long a vendor asks to wait, and what its statuses mean."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from actors.providers.connection import Answer
from actors.providers.http import VendorHttp, retry_after_s, speech_bytes


@pytest.fixture
def http() -> Iterator[VendorHttp]:
    vendor = VendorHttp("vendor", secrets=["hunter2-of-ours"])
    yield vendor
    vendor.close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "Retry-After": "7"}, 0.25),
        ({"retry-after-ms": "soon", "Retry-After": "7"}, 7),
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "later"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": "Sun, 06 Nov 99999999999999999999 08:49:37 GMT"}, None),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 +99999999999999999999"}, None),
        ({"Retry-After": "x" * 90_000}, None),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0),
    ],
)
def test_how_long_a_vendor_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(httpx.Headers(headers)) == seconds


def test_a_date_to_come_is_the_seconds_until_then() -> None:
    date = datetime.now(UTC) + timedelta(seconds=90)
    seconds = retry_after_s(httpx.Headers({"Retry-After": format_datetime(date, usegmt=True)}))
    assert seconds == pytest.approx(90, abs=2)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529, 599])
def test_what_may_pass_is_transient(http: VendorHttp, status: int) -> None:
    assert not http.refusal(Answer(status, httpx.Headers(), b"")).permanent


@pytest.mark.parametrize("status", [301, 307, 400, 401, 402, 403, 404, 405, 413, 415, 422, 451])
def test_what_will_not_pass_is_permanent(http: VendorHttp, status: int) -> None:
    assert http.refusal(Answer(status, httpx.Headers(), b"")).permanent


@pytest.mark.parametrize("code", ["insufficient_quota", "quota_exceeded"])
def test_a_quota_used_up_is_permanent_though_it_is_a_429(http: VendorHttp, code: str) -> None:
    body = b'{"error": {"message": "You exceeded your current quota", "code": "%s"}}' % code.encode()
    error = http.refusal(Answer(429, httpx.Headers({"Retry-After": "3"}), body))
    assert error.permanent
    assert str(error) == "vendor answered 429: You exceeded your current quota"


def test_an_answer_without_words_gets_those_of_its_status(http: VendorHttp) -> None:
    assert str(http.refusal(Answer(415, httpx.Headers(), b" \n"))) == "vendor answered 415: Unsupported Media Type"
    assert str(http.refusal(Answer(599, httpx.Headers(), b""))) == "vendor answered 599: no reason given"


def test_a_refusal_keeps_our_secrets(http: VendorHttp) -> None:
    error = http.refusal(Answer(401, httpx.Headers(), b"hunter2-of-ours is no key"))
    assert str(error) == "vendor answered 401: [hidden] is no key"


def test_what_a_text_can_take_is_bounded_by_what_it_is() -> None:
    assert 2_000_000 < speech_bytes("好") < 4_000_000
    assert speech_bytes("好" * 4096) == 64 * 1024 * 1024
