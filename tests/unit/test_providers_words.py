"""actors/providers/words.py: a vendor's words are found, cut and cleaned."""

import json
import time

import pytest

from actors.providers import words as words_module
from actors.providers.words import MAX_CHARACTERS, cleaned, complaint_in
from tests.growth import assert_grows_with_the_length

KEY = "hunter2-of-ours"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "busy", "type": "server_error", "code": None}},
        {"error": "busy"},
        {"detail": {"status": "system_busy", "message": "busy"}},
        {"detail": "busy"},
        {"message": "busy"},
        {"err_code": "TOO_MANY_REQUESTS", "err_msg": "busy"},
        "busy",
    ],
)
def test_the_words_are_found_wherever_a_vendor_puts_them(body: object) -> None:
    assert complaint_in(json.dumps(body).encode()).words == "busy"


def test_words_that_are_no_json_are_taken_as_they_are() -> None:
    assert complaint_in("忙\xff".encode("latin-1", "replace") + b"\xff").words.startswith("?")
    assert complaint_in(b"[" * 60_000).words.startswith("[[")
    assert complaint_in(b"upstream timed out").words == "upstream timed out"


def test_an_object_without_words_is_shown_whole() -> None:
    assert complaint_in('{"detail": [{"loc": ["voice"], "msg": "未知"}]}'.encode()).words == (
        '[{"loc": ["voice"], "msg": "未知"}]'
    )


def test_the_codes_are_found() -> None:
    body = {"error": {"message": "used up", "type": "insufficient_quota", "code": "insufficient_quota"}}
    assert complaint_in(json.dumps(body).encode()).codes == {"insufficient_quota"}
    assert complaint_in(b'{"detail": {"status": "quota_exceeded"}}').codes == {"quota_exceeded"}


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        (f"the key {KEY} is wrong", KEY),
        ("Incorrect API key provided: sk-proj-AB***********yz.", "AB"),
        ("header was 'Authorization: Bearer abcdef123456'", "abcdef"),
        ("GET https://speech.test/v1/list?token=abcdef&x=1 failed", "abcdef"),
        ("see https://user:abcdef@speech.test/v1", "abcdef"),
        ("see wss://speech.test/#abcdef now", "abcdef"),
        ('{"api_key": "abcdef"}', "abcdef"),
        ("Ocp-Apim-Subscription-Key: abcdef", "abcdef"),
        ("0123456789abcdef0123456789abcdef", "abcdef"),
        ("GET /v1/voices?token=abcdef: 404", "abcdef"),
        ("see https://speech.test/,https://user:abcdef@speech.test/", "abcdef"),
        ("key AIzaSyB-abcdef_0123456789 is not enabled", "abcdef"),
        ("AKIAIOSFODNN7ABCDEF1 is not authorized", "ABCDEF"),
        ("JWT eyJhbGciOiJIUzI1NiJ9.abcdef.xyz expired", "abcdef"),
    ],
)
def test_no_secret_is_passed_on(words: str, secret: str) -> None:
    assert secret not in cleaned(words, [KEY, ""])


@pytest.mark.parametrize("secret", ["e", "key", "7654321"])
def test_a_secret_that_is_short_leaves_the_words_as_they_are(secret: str) -> None:
    words = "quota exceeded for this k-e-y: 7654321 characters"
    assert cleaned(words, [secret]) == words


@pytest.mark.parametrize("words", ["either/or?", "a=b?", "3 / 4 = 0.75", "no/such=voice"])
def test_what_is_no_address_keeps_its_question_mark(words: str) -> None:
    assert cleaned(words, []) == words


def test_an_address_keeps_its_path() -> None:
    assert cleaned("POST https://speech.test/v1/x?key=1 failed", []) == "POST https://speech.test/v1/x failed"


def test_plain_words_stay_as_they_are() -> None:
    words = "Rate limit reached for gpt-4o-mini-tts: 請稍後再試 (request 0199a1b2-1234-7abc-8def-0123456789ab)"
    assert cleaned(words, [KEY]) == words


def test_line_breaks_become_single_spaces_and_control_characters_go() -> None:
    assert cleaned("a\x00b\r\n\tc\x1b[31md\u202ee", []) == "ab c[31mde"


def test_a_key_broken_up_by_control_characters_is_found() -> None:
    assert cleaned(f"the key {KEY[:4]}\x00{KEY[4:]}", [KEY]) == "the key [hidden]"


@pytest.mark.parametrize("words", ["a-" * 32_000, "a://" * 16_000, "key " * 16_000, "x" * 64_000, "\x00 " * 32_000])
def test_words_of_any_length_cost_no_time(words: str) -> None:
    """32 kB of `a-a-a-` held the interpreter for 37 seconds, in which no heart could beat."""
    begun_s = time.thread_time()

    assert len(cleaned(words, [KEY])) <= MAX_CHARACTERS

    assert time.thread_time() - begun_s < 5


@pytest.mark.parametrize(
    "part", ["a-", "a.", "a://", "https://a", "a://b@", "key='", "sk-", "eyJ", "/=", "token ", "_key"]
)
def test_every_pattern_is_linear_even_without_the_cut(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(words_module, "_MAX_READ_CHARACTERS", 64_000)
    assert_grows_with_the_length(lambda length: cleaned((part * length)[:length], [KEY]), 64_000)


def test_a_secret_at_the_place_where_words_are_cut_does_not_show() -> None:
    """What stands before it is hidden and gets short, so that the place of the cut is shown."""
    words = f"https://speech.test/?{'x' * 1970} {KEY} {KEY}"
    assert 1990 < words.index(KEY) < 2000 < words.index(KEY) + len(KEY)

    shown = cleaned(words, [KEY])

    assert shown.startswith("https://speech.test/ ")
    assert KEY[:3] not in shown


def test_long_words_are_cut() -> None:
    assert len(cleaned("字" * 1000, [])) == MAX_CHARACTERS
    assert cleaned("字" * MAX_CHARACTERS, []) == "字" * MAX_CHARACTERS
