"""Two megabytes of anything are answered within tenths of a second and 50 MB, whatever they hold."""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from litestar import Request

from actors.providers.problem import Language
from service.http.errors import InvalidRequest
from service.http.json_body import MAX_BODY_BYTES, MAX_TOKENS, read_json
from service.requests.job_request import script_of
from service.requests.revision import revision_of
from service.routes.dialogues import parsed
from tests.service_api import SCRIPT, StubProvider, script_from

#: So many times what it takes to read as many bytes of JSON at all, which is a twentieth of a second on a quiet core.
MOST_TIMES = 2
#: A million numbers.
YARDSTICK = b"[" + b"0," * (MAX_BODY_BYTES // 2 - 1) + b"0]"
MOST_BYTES = 50_000_000
MOST_PROBLEMS = 100

#: What answers a body, and what stands in it before and after what is repeated.
HEAD = b'{"provider": "stub", "voice_assignments": [{"speaker": "A", "voice_id": "v-tw"}], "turns": '
JSON_REQUEST: Request[Any, Any, Any] = Request({"type": "http", "headers": [(b"content-type", b"application/json")]})  # type: ignore[arg-type]
LANGUAGE: Language = "en"


def submit(body: bytes) -> None:
    script_of(read_json(JSON_REQUEST, body), {"stub": StubProvider()})


def revise(body: bytes) -> None:
    revision_of(script_from(SCRIPT), {}, read_json(JSON_REQUEST, body), {"stub": StubProvider()})


def parse(body: bytes) -> None:
    parsed(read_json(JSON_REQUEST, body), LANGUAGE)


def filled(before: bytes, repeated: bytes, after: bytes) -> bytes:
    """As large as a body may be."""
    return before + repeated * ((MAX_BODY_BYTES - len(before) - len(after)) // len(repeated)) + after


def numbered(before: bytes, repeated: bytes, after: bytes, most: int = MAX_BODY_BYTES) -> bytes:
    """The same, with a number for each `%x`, at most so many."""
    longest = len(repeated) + 4
    numbers = range(min(most, (MAX_BODY_BYTES - len(before) - len(after)) // longest))
    return before + b"".join(repeated % number for number in numbers) + after


def few(before: bytes, repeated: bytes, after: bytes) -> bytes:
    """As many of `repeated` as are just read at all, so that what reads them is measured, too."""
    tokens = sum(repeated.count(token) for token in (b",", b"[", b"{")) + repeated.count(b'"') // 2
    return before + repeated * ((MAX_TOKENS - 50) // tokens) + after


def largest_job(text: str) -> bytes:
    """A thousand turns, six speakers with names of fifty characters, and as much of `text` as goes into a body."""
    names = [chr(0x20000 + n) * 50 for n in range(6)]
    turns = [{"speaker": names[n % 6], "text": "", "index": n} for n in range(1000)]
    voices = [{"speaker": name, "voice_id": "v-tw"} for name in names]
    job = {"provider": "stub", "turns": turns, "voice_assignments": voices}
    left = MAX_BODY_BYTES - len(json.dumps(job))
    for turn in turns:
        turn["text"] = text * (left // len(turns) // (len(json.dumps(text)) - 2))
    return json.dumps(job).encode()


VOICES = b'{"provider": "stub", "voice_assignments": '
FLOODS: list[tuple[str, Callable[[bytes], None], Callable[[], bytes]]] = [
    ("a million voices that are numbers", submit, lambda: filled(VOICES + b"[", b"0,", b"0]}")),
    ("empty voices", submit, lambda: filled(VOICES + b"[", b"{},", b"0]}")),
    ("voices with an unknown field", submit, lambda: filled(VOICES + b"[", b'{"":0},', b"0]}")),
    (
        "voices of as many speakers",
        submit,
        lambda: numbered(VOICES + b"[", b'{"speaker":"%x","voice_id":"v"},', b"0]}"),
    ),
    ("a million turns that are numbers", submit, lambda: filled(HEAD + b"[", b"0,", b"0]}")),
    ("turns that are lists", submit, lambda: filled(HEAD + b"[", b"[],", b"0]}")),
    (
        "turns of as many speakers",
        submit,
        lambda: numbered(HEAD + b"[", b'{"speaker":"%x","text":"a","index":0},', b"0]}"),
    ),
    (
        "turns that are right but too many",
        submit,
        lambda: filled(HEAD + b"[", b'{"speaker":"A","text":"a","index":0},', b"0]}"),
    ),
    ("unknown fields", submit, lambda: numbered(b"{", b'"%x":1,', b'"":1}')),
    ("unknown fields of one turn", submit, lambda: numbered(HEAD + b"[{", b'"%x":1,', b'"":1}]}')),
    ("one field again and again", submit, lambda: filled(b"{", b'"a":1,', b'"":1}')),
    (
        "unknown fields of a thousand turns",
        submit,
        lambda: filled(HEAD + b"[", b"{" + b'"a":1,"b":2,' * 170 + b'"":1},', b"0]}"),
    ),
    ("brackets in brackets", submit, lambda: filled(b"", b"[", b"")),
    ("objects in objects", submit, lambda: filled(b"", b'{"a":', b"")),
    ("lists in a list in a turn", submit, lambda: filled(HEAD + b'[{"text":[', b"[],", b"0]}]}")),
    ("objects under an unknown name", submit, lambda: filled(b'{"a":[', b'{"":{}},', b"0]}")),
    ("numbers", submit, lambda: filled(b'{"a":[', b"0.1,", b"0]}")),
    ("long numbers", submit, lambda: filled(b'{"a":[', b"9" * 4000 + b",", b"0]}")),
    ("short strings", submit, lambda: filled(b'{"a":[', b'"ab",', b"0]}")),
    ("strings without anything between", submit, lambda: filled(b"[", b'""', b"]")),
    ("one string of quotes", submit, lambda: filled(HEAD + b'[{"text":"', rb"\"", b'"}]}')),
    ("one string of commas", submit, lambda: filled(HEAD + b'[{"text":"', b",", b'"}]}')),
    ("one string of rare characters", submit, lambda: filled(HEAD + b'[{"text":"', "\U00020000".encode(), b'"}]}')),
    (
        "a name of a voice",
        submit,
        lambda: filled(VOICES + b'[{"speaker":"A","voice_id":"v","voice_name":"', b"a", b'"}]}'),
    ),
    ("a provider's name", submit, lambda: filled(b'{"provider":"', b"a", b'"}')),
    ("a name of a field", submit, lambda: filled(b'{"', b"a", b'":1}')),
    ("a string without an end", submit, lambda: filled(b'["', b"a", b"")),
    ("as many voices as are read", submit, lambda: few(VOICES + b"[", b"{},", b"0]}")),
    ("as many voices with an unknown field", submit, lambda: few(VOICES + b"[", b'{"":0},', b"0]}")),
    ("as many turns as are read", submit, lambda: few(HEAD + b"[", b'{"speaker":"A","text":"a","index":0},', b"0]}")),
    ("as many lists as are read", submit, lambda: few(HEAD + b"[", b"[],", b"0]}")),
    ("as many brackets as are read", submit, lambda: few(b"", b"[", b"")),
    ("as many unknown fields", submit, lambda: numbered(b"{", b'"%x":1,', b'"":1}', most=49_000)),
    ("as many unknown fields of one turn", submit, lambda: numbered(HEAD + b"[{", b'"%x":1,', b'"":1}]}', most=49_000)),
    ("a thousand turns that are numbers", submit, lambda: HEAD + b"[" + b"0," * 999 + b"0]}"),
    ("the largest job, of rare characters", submit, lambda: largest_job("\U00020000")),
    ("the largest job, of Chinese ones", submit, lambda: largest_job("好")),
    ("the largest job, of nothing to say", submit, lambda: largest_job("\x0b")),
    ("the largest job, of blanks", submit, lambda: largest_job(" ")),
    ("empty lines", submit, lambda: filled(b"", b"\n", b"")),
    ("changes that are numbers", revise, lambda: filled(b'{"turns":[', b"0,", b"0]}")),
    ("changes of no turn", revise, lambda: numbered(b'{"turns":[', b'{"index":0,"text":"%x"},', b"0]}")),
    ("a dialogue of empty lines", parse, lambda: filled(b'{"dialogue_text":"', rb"\n", b'"}')),
    ("a dialogue of turns", parse, lambda: filled(b'{"dialogue_text":"', rb"A:b\n", b'"}')),
    ("the longest dialogue of turns", parse, lambda: json.dumps({"dialogue_text": "A:b\n" * 50_000}).encode()),
    (
        "the longest dialogue of speakers",
        parse,
        lambda: json.dumps({"dialogue_text": "".join(f"{n}:b\n" for n in range(26_000))}).encode(),
    ),
    ("the longest turn", parse, lambda: json.dumps({"dialogue_text": "A:b\n" + "b\n" * 99_000}).encode()),
    ("the longest dialogue of brackets", parse, lambda: json.dumps({"dialogue_text": "[" * 200_000}).encode()),
    ("the longest dialogue of nobody", parse, lambda: json.dumps({"dialogue_text": "b\n\n" * 66_000}).encode()),
    ("the longest dialogue of nothing said", parse, lambda: json.dumps({"dialogue_text": "A:\n" * 66_000}).encode()),
]


@pytest.fixture(params=FLOODS, ids=[name for name, _, _ in FLOODS])
def flood(request: pytest.FixtureRequest) -> tuple[Callable[[bytes], None], bytes]:
    _, answer, make_body = request.param
    body: bytes = make_body()
    assert len(body) <= MAX_BODY_BYTES
    return answer, body


def test_a_flood_is_answered_within_few_times_what_reading_it_takes(
    flood: tuple[Callable[[bytes], None], bytes],
) -> None:
    # Both in turn, so that a busy machine slows the one as the other.
    times = [_seconds(*flood) / _seconds(json.loads, YARDSTICK) for _ in range(3)]
    assert min(times) < MOST_TIMES, times


def test_a_flood_takes_little_memory(flood: tuple[Callable[[bytes], None], bytes]) -> None:
    answer, body = flood
    tracemalloc.start()
    try:
        _answered(answer, body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES


def test_of_a_flood_of_problems_a_hundred_are_named(flood: tuple[Callable[[bytes], None], bytes]) -> None:
    assert len(_answered(*flood)) <= MOST_PROBLEMS


def _seconds(answer: Callable[[bytes], None], body: bytes) -> float:
    """In the time of this thread alone: neither a busy machine counts nor whoever counts the lines that are run."""
    tracing = sys.gettrace()
    sys.settrace(None)
    try:
        began = time.thread_time()
        _answered(answer, body)
        return time.thread_time() - began
    finally:
        sys.settrace(tracing)


def _answered(answer: Callable[[bytes], None], body: bytes) -> list[Any]:
    """The problems that are named."""
    try:
        answer(body)
    except InvalidRequest as refusal:
        return list(refusal.problems)
    return []
