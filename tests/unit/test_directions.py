"""actors/directions.py: what of a line is said, in which style, with which silence; and what is not read aloud."""

from __future__ import annotations

import random

import pytest

from actors.directions import Pause, Reading, Words, caption_of, is_stage_direction, reading_of
from tests.growth import assert_grows_with_the_length

SAID: list[tuple[str, list[Words | Pause]]] = [
    ("你好", [Words("你好")]),
    ("  two  spaces ", [Words("  two  spaces ")]),
    ("……", [Words("……")]),
    ("等一下[pause 500ms]好", [Words("等一下"), Pause(500), Words("好")]),
    ("Wait. [pause 1.5s] Now!", [Words("Wait."), Pause(1500), Words("Now!")]),
    ("Wait [PAUSE 1.5 S] now", [Words("Wait"), Pause(1500), Words("now")]),
    ("全形［pause 50ms］也可以", [Words("全形"), Pause(50), Words("也可以")]),
    ("[pause 10s]after", [Pause(10_000), Words("after")]),
    ("before[pause 10s]", [Words("before"), Pause(10_000)]),
    ("[pause 1s]", [Pause(1000)]),
    ("a[pause 1s] [pause 500ms]b", [Words("a"), Pause(1500), Words("b")]),
    ("a[pause 1s]，[pause 1s]b", [Words("a"), Pause(2000), Words("b")]),
    ("a[pause 0.062s]b", [Words("a"), Pause(62), Words("b")]),
    ("[whispering] come here", [Words("come here", "whispering")]),
    ("（開心）你好", [Words("你好", "開心")]),
    ("Hello. [whispering] Come here.", [Words("Hello."), Words("Come here.", "whispering")]),
    ("[sad]a[pause 1s]b[angry]c", [Words("a", "sad"), Pause(1000), Words("b", "sad"), Words("c", "angry")]),
    ("Well (laughs) yes", [Words("Well yes")]),
    ("好（大笑）啊", [Words("好啊")]),
    ("[sighs] Fine.", [Words("Fine.")]),
    (r"he wrote \(laughs\)", [Words("he wrote (laughs)")]),
    (r"\[pause 1s\] is a tag", [Words("[pause 1s] is a tag")]),
    (r"C:\dir\（甲）", [Words(r"C:\dir（甲）")]),
    ("星期三（十點）見", [Words("星期三（十點）見")]),
    ("a [1] and [sic] (see below)", [Words("a [1] and [sic] (see below)")]),
    ("(((", [Words("(((")]),
    ("[[whispering]]x", [Words("]x", "whispering")]),
    ("(pause)x", [Words("x")]),
]


@pytest.mark.parametrize(("text", "parts"), SAID, ids=[text for text, _ in SAID])
def test_a_line_as_it_is_said(text: str, parts: list[Words | Pause]) -> None:
    assert list(reading_of(text).parts) == parts


@pytest.mark.parametrize("text", ["（大笑）", "(laughs)", "[sighs] …", "（開心）"])
def test_a_line_with_nothing_left_is_silent(text: str) -> None:
    assert reading_of(text).is_silent


@pytest.mark.parametrize("text", ["[pause]x", "[pause 49ms]x", "[pause 10.1s]x", "[pause 5]x", "[pause 99999s]x"])
def test_a_pause_that_is_none_is_told(text: str) -> None:
    assert reading_of(text).bad_pauses == (text.removesuffix("x"),)


def test_what_is_left_out_is_told_as_it_was_written() -> None:
    assert reading_of("a（大笑）b (she laughs softly) c").left_out == ("（大笑）", "(she laughs softly)")


@pytest.mark.parametrize(
    "words",
    [
        *("laughs", "laughing nervously", "she sighs", "clears his throat", "long pause", "takes a deep breath"),
        *("笑", "大笑", "苦笑了一下", "嘆氣", "忍不住笑", "沉默片刻", "她輕輕地笑了", "咳嗽兩聲", "点头", "全場鼓掌"),
    ],
)
def test_what_actors_do_is_a_stage_direction(words: str) -> None:
    assert is_stage_direction(words)


@pytest.mark.parametrize(
    "words",
    [
        *("好笑的是他沒來", "星期三", "註一", "笑話", "哭笑不得", ""),
        *("the laughs were fake", "a", "the throat doctor", "2026", "we laugh at him", "Laughing Stock Ltd"),
    ],
)
def test_what_is_said_in_passing_is_none(words: str) -> None:
    assert not is_stage_direction(words)


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("plain", "plain"),
        ("Wait. [pause 1.5s] Now!", "Wait. Now!"),
        ("等一下[pause 500ms]好", "等一下 好"),
        ("[whispering] come（大笑）", "come（大笑）"),
        (r"\[pause 1s\] is [sic]", "[pause 1s] is [sic]"),
        ("two  spaces (see below)", "two  spaces (see below)"),
    ],
)
def test_captions_have_no_tags(text: str, caption: str) -> None:
    assert caption_of(text) == caption


def test_a_text_without_a_direction_is_said_as_it_stands() -> None:
    """Whatever else is in it: else all that was spoken before would have another address."""
    signs = random.Random(12)  # noqa: S311 - the same texts each time
    for _ in range(2000):
        text = "".join(signs.choice("ab 好。,\n\t{}<>'\"/*_\u3000") for _ in range(30))
        assert reading_of(text) == Reading((Words(text),))


@pytest.mark.parametrize("piece", ["[", "(", "[pause 1s]", "\\[", "(a", "（大笑", "]", "[pause "])
def test_a_line_is_read_in_linear_time(piece: str) -> None:
    def read(length: int) -> None:
        text = piece * (length // len(piece))
        reading_of(text)
        caption_of(text)

    assert_grows_with_the_length(read, 60_000)
