"""What any stranger may send is read in time that grows as its length does, never as its square."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from litestar import Request

from service.http.byte_range import RangeNotSatisfiable, wanted_range
from service.http.cookies import cookie_of
from service.http.errors import InvalidRequest
from service.http.messages import preferred_language
from service.http.middleware import _request_id
from service.page.page import page_language
from service.requests.schemas import is_language_tag
from service.routes.job_id import parse_job_id
from service.routes.jobs import idempotency_key_of
from storage.jobs import JobNotFound
from tests.growth import assert_grows_with_the_length

LONG = 60_000


def request_with(name: str, value: str) -> Request[Any, Any, Any]:
    return Request({"type": "http", "headers": [(name.encode(), value.encode())]})  # type: ignore[arg-type]


def id_of(text: str) -> bytes:
    return _request_id({"headers": [(b"x-request-id", text.encode())]})


CASES: list[tuple[str, Callable[[str], object], str, str, str]] = [
    # what, its reader, and a text: how it begins, what is repeated, how it ends
    ("a language, spaces and no end", preferred_language, "a", " ", "!"),
    ("a language with many subtags", preferred_language, "a", "-a", "!"),
    ("many languages", preferred_language, "", "en;q=0.1,", "zh"),
    ("a quality of many digits", preferred_language, "en;q=0.", "1", ""),
    ("a quoted cookie of quotes", lambda text: page_language(request_with("cookie", text)), 'a="', r"\"", '"'),
    ("a quoted cookie of letters", lambda text: page_language(request_with("cookie", text)), 'a="', r"\a", '"'),
    ("many cookies", lambda text: cookie_of(request_with("cookie", text), "b"), "", "a=1;", ""),
    ("many ranges", lambda text: wanted_range(text, 10), "bytes=", "0-1,", ""),
    ("a range of spaces", lambda text: wanted_range(text, 10), "bytes=", " ", "x"),
    ("a range of digits", lambda text: wanted_range(text, 10), "bytes=", "9", "-"),
    ("a request id", id_of, "", "a", " "),
    ("an idempotency key", lambda text: idempotency_key_of(request_with("idempotency-key", text)), "", "!", ""),
    ("a job id", parse_job_id, "", "0", ""),
    ("a language tag", is_language_tag, "zh", "-abcdefgh", "-"),
]


@pytest.mark.parametrize(("read", "before", "repeated", "after"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_no_text_takes_the_square_of_its_length(
    read: Callable[[str], object], before: str, repeated: str, after: str
) -> None:
    def read_or_refused(length: int) -> None:
        text = before + (repeated * (length // len(repeated) + 1))[:length] + after
        with suppress(RangeNotSatisfiable, InvalidRequest, JobNotFound):
            read(text)

    assert_grows_with_the_length(read_or_refused, LONG)
