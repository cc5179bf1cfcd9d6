"""Languages: which one a client reads, and that there is a sentence for everything."""

import pytest

from service.http.errors import STATUS_OF
from service.http.messages import ERRORS, FAILURES, ErrorCode, failure_message, preferred_language
from storage.jobs import FailureReason


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("EN-gb", "en"),
        ("zh-TW", "zh"),
        ("fr", "zh"),
        ("*", "zh"),
        ("fr, *;q=0.5", "zh"),
        ("en-US,en;q=0.9,zh-TW;q=0.8", "en"),
        ("zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", "zh"),
        ("en;q=0.3, zh;q=0.5", "zh"),
        ("zh;q=0.5, en;q=0.8", "en"),
        ("fr;q=0.9, en;q=0.1", "en"),
        ("en, zh", "en"),
        ("zh, en", "zh"),
        ("en;q=0", "zh"),
        ("zh;q=0, *", "en"),
        ("zh;q=0, en;q=0", "zh"),
        (" en ; q=0.5 ", "en"),
        ("en;q=2", "zh"),
        ("en;q=abc, zh;q=0.1", "zh"),
        (";;;,,,q=1", "zh"),
    ],
)
def test_the_client_is_answered_in_the_language_that_it_prefers(header: str | None, language: str) -> None:
    assert preferred_language(header) == language


def test_every_error_has_a_status_and_a_sentence_in_both_languages() -> None:
    assert set(ERRORS) == set(STATUS_OF) == set(ErrorCode)
    assert all(text.zh and text.en for text in ERRORS.values())


def test_every_reason_of_failure_has_a_sentence_in_both_languages() -> None:
    assert set(FAILURES) == set(FailureReason)
    assert FAILURES[FailureReason.TIMEOUT].zh == "執行逾時"


def test_the_providers_own_words_follow_the_reason() -> None:
    assert failure_message(FailureReason.PROVIDER_FAILED, "HTTP 500", "zh") == "語音服務呼叫失敗：HTTP 500"
    assert failure_message(FailureReason.PROVIDER_FAILED, "HTTP 500", "en") == "The speech provider failed: HTTP 500"


def test_the_detail_of_a_defect_of_ours_is_not_shown() -> None:
    assert failure_message(FailureReason.INTERNAL, "KeyError: 'password'", "zh") == "系統錯誤"
