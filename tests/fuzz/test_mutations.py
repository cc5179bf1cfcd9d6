"""What is nearly right: requests and vendors' answers of which some bytes were changed, left out, or come again."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from urllib.parse import quote_from_bytes

import psutil
import pytest

from actors.audio.join import AudioError, normalize_segment
from actors.audio.wav import NotAudio, audio_file
from actors.providers.provider import ProviderError
from actors.providers.words import cleaned, complaint_in
from embedded.object_store import ObjectStore
from service.http.messages import preferred_language
from service.settings import ServiceSettings
from tests.service_api import SCRIPT, Api, running_api, settings_of
from tests.standins import tone

#: Of each kind: a few in `make test`, many in `make fuzz`.
MUTATIONS = int(os.environ.get("FUZZ_MUTATIONS", "200"))
#: The memory of the process may grow by so much from the first tenth to the end: caches, and the allocator's own.
MOST_GROWN_BYTES = 64_000_000

DIALOGUE = (
    "小美：你好，今天天氣真好！\nBen: It is. Shall we *walk*?\n（大笑）\n[Narrator]: They went.\n\n12:30 - A – b\n"
)
BITS = (
    b"\x00",
    b"\xff",
    b'"',
    b"\\",
    b"{",
    b"[",
    b"]",
    b"}",
    b",",
    b":",
    b"\xed\xa0\x80",
    b"1e999",
    b"null",
    b"-0",
    b" ",
)


def mutated(dice: random.Random, whole: bytes) -> bytes:
    """Some bytes of it changed, left out, put in or said again."""
    body = bytearray(whole)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        at = dice.randrange(len(body) + 1)
        length = dice.choice((1, 1, 2, 8, 64))
        match dice.randrange(5):
            case 0:
                body[at : at + length] = dice.randbytes(length)
            case 1:
                del body[at : at + length]
            case 2:
                body[at:at] = dice.choice(BITS) * dice.choice((1, 1, 3, 50))
            case 3:
                body[at:at] = body[at : at + length] * dice.choice((1, 4, 30))
            case _:
                body = body[:at] or bytearray(b" ")
    return bytes(body)


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    # Nothing is to be refused because there was so much of it: what is refused was not read.
    settings = ServiceSettings(auth="none", rate_limit_per_minute=1_000_000)
    with running_api(database_url, settings_of(object_store, bucket), settings=settings) as running:
        yield running


def memory_is_flat(work: Callable[[random.Random], None]) -> None:
    """Do it as often as is asked for, each time with other luck."""
    process = psutil.Process()
    settled = 0
    for number in range(MUTATIONS):
        if number == max(50, MUTATIONS // 10):
            settled = process.memory_info().rss
        work(random.Random(number))  # noqa: S311 # to be repeated, not to be secret
    assert process.memory_info().rss - settled < MOST_GROWN_BYTES


REQUESTS: Sequence[tuple[str, str, object]] = (
    ("POST", "/api/v1/jobs", SCRIPT),
    ("POST", "/api/v1/jobs/{job}/revise", {"turns": [{"index": 0, "text": "again", "speak_again": True}]}),
    ("POST", "/api/v1/dialogues/parse", {"dialogue_text": DIALOGUE}),
)


@pytest.mark.timeout(60 + MUTATIONS)
@pytest.mark.parametrize(("method", "path", "body"), REQUESTS, ids=[path for _, path, _ in REQUESTS])
def test_a_body_that_is_nearly_right_is_taken_or_refused(api: Api, method: str, path: str, body: object) -> None:
    address = path.format(job=api.submit())
    whole = json.dumps(body, ensure_ascii=False).encode()

    def send(dice: random.Random) -> None:
        answer = api.client.request(
            method, address, content=mutated(dice, whole), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in {200, 201, 400, 404, 409, 413, 429}, (dice, answer.text)
        assert "RATE_LIMITED" not in answer.text

    memory_is_flat(send)
    assert re.findall(r'readthrough_requests_total\{.*status="5.*', api.client.get("/metrics").text) == []


@pytest.mark.timeout(60 + MUTATIONS)
def test_headers_and_queries_that_are_nearly_right_are_taken_or_refused(api: Api) -> None:
    job = api.completed()
    headers = {
        "Accept-Language": b"zh-TW,zh;q=0.9,en;q=0.8",
        "Range": b"bytes=0-4",
        "If-None-Match": b'"abc", W/"def"',
        "Idempotency-Key": b"one-key",
        "Authorization": b"Bearer abc",
        "Cookie": b"readthrough-session=abc; a=b",
        "X-Request-Id": b"an-id",
    }
    query = b"status=completed&limit=20&offset=0&cursor=abc"

    def send(dice: random.Random) -> None:
        spoilt = [
            (name.encode(), bytes(byte for byte in mutated(dice, value) if byte not in b"\r\n\x00"))
            for name, value in headers.items()
        ]
        # One path at a time, so that what one refuses does not hide the others.
        path = dice.choice((f"/api/v1/jobs/{job}/download", f"/api/v1/jobs/{job}/captions", f"/api/v1/jobs/{job}"))
        for address in (path, "/api/v1/jobs?" + quote_from_bytes(mutated(dice, query), safe="=&%")):
            answer = api.client.get(address, headers=spoilt)
            assert answer.status_code in {200, 206, 304, 400, 404, 416}, (address, answer.text)

    memory_is_flat(send)


@pytest.mark.timeout(60 + MUTATIONS)
def test_an_answer_of_a_vendor_that_is_nearly_right_is_audio_or_a_clear_refusal() -> None:
    sounds = [tone.wav("one two three", "alloy"), tone.ogg("one two three", "alloy"), tone.flac(24_000)]

    def read(dice: random.Random) -> None:
        with suppress(NotAudio, AudioError, ProviderError):
            normalize_segment(audio_file(mutated(dice, dice.choice(sounds))), text="one two three")

    memory_is_flat(read)


@pytest.mark.timeout(60 + MUTATIONS)
def test_the_words_of_a_vendor_and_of_a_browser_are_read_whatever_they_are() -> None:
    refusal = json.dumps({"error": {"message": "quota exceeded", "code": "x", "details": [{"reason": "y"}]}}).encode()

    def read(dice: random.Random) -> None:
        assert len(cleaned(complaint_in(mutated(dice, refusal)).words, ["a secret of somebody"])) <= 300
        assert preferred_language(mutated(dice, b"zh-TW,zh;q=0.9,en;q=0.8").decode("latin-1")) in {"zh", "en"}

    memory_is_flat(read)
