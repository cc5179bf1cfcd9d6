"""tests/listen: what was heard is compared fairly, and the bar is one that can be missed."""

import pytest

from tests.listen.compare import error
from tests.listen.report import Measured, table


@pytest.mark.parametrize(
    ("said", "heard", "language"),
    [
        ("大概需要兩個小時。", "大概需要2个小时", "zh-TW"),
        ("會議從下午三點開始。", "会议从下午3点开始", "zh-TW"),
        ("她認真地聽，說得很好。", "他认真的听,说的很好", "zh-TW"),
        ("請把窗戶關起來！", "请把窗户关起来", "zh-TW"),
        ("The train takes about two hours.", "the train takes about 2 hours", "en-US"),
    ],
)
def test_what_cannot_be_heard_is_no_error(said: str, heard: str, language: str) -> None:
    assert error(said, heard, language) == 0


def test_another_word_is_an_error_even_of_the_same_sound() -> None:
    assert error("公園走走", "公元走走", "zh-TW") == 0.25
    assert error("I want to go", "I won't to go", "en-US") == 0.25
    assert error("你好", "", "zh-TW") == 1


def test_a_voice_that_is_not_understood_in_one_language_fails() -> None:
    good = Measured("a", "A", 0.05, 0.02, 3.4, 3.4, 120, 0.5)
    bad = Measured("b", "B", 0.60, 0.02, 3.4, 3.4, 120, 0.5)
    assert [line.rstrip("| ").rsplit("| ", 1)[-1] for line in table([good, bad]).splitlines()[2:]] == [
        "passes",
        "fails",
    ]
