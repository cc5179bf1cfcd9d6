"""actors/lexicon.py: which words of a text are said otherwise."""

from __future__ import annotations

import random
import time

import pytest

from actors.lexicon import lexicon_of
from storage.lexicon import Pronunciation
from tests.growth import assert_grows_with_the_length


def said(text: str, *entries: tuple[str, ...], language: str = "zh-TW") -> str:
    return lexicon_of([Pronunciation(*entry) for entry in entries], language)(text)


@pytest.mark.parametrize(
    ("text", "word", "say_as", "spoken"),
    [
        ("Ask SQL.", "SQL", "sequel", "Ask sequel."),
        ("MySQL and SQLite", "SQL", "sequel", "MySQL and SQLite"),
        ("SQL", "SQL", "sequel", "sequel"),
        ("(SQL),SQL-SQL/SQL_SQL", "SQL", "x", "(x),x-x/x_x"),
        ("SQL's SQL2 2SQL", "SQL", "x", "x's SQL2 2SQL"),
        ("sql Sql", "SQL", "x", "sql Sql"),
        ("用SQL查詢", "SQL", "x", "用x查詢"),
        ("café cafés", "café", "x", "x cafés"),
        ("cafe\u0301 cafe", "cafe", "x", "cafe\u0301 x"),
        ("Привет, приветик", "привет", "x", "Привет, приветик"),
        ("重慶路在重慶", "重慶", "蟲慶", "蟲慶路在蟲慶"),
        ("東京タワーへ", "タワー", "x", "東京xへ"),
        ("이순신은", "이순신", "x", "x은"),
        ("ภาษาไทยดี", "ไทย", "x", "ภาษาxดี"),
        ("GPT-4o is", "GPT-4o", "x", "x is"),
        ("GPT-4oo is", "GPT-4o", "x", "GPT-4oo is"),
        ("New York is", "New York", "x", "x is"),
        ("3C 產品 13C", "3C", "x", "x 產品 13C"),
        ("nothing", "else", "x", "nothing"),
        ("", "a", "x", ""),
    ],
)
def test_a_word_is_said_as_it_is_to_be(text: str, word: str, say_as: str, spoken: str) -> None:
    assert said(text, (word, say_as)) == spoken


def test_the_longest_word_counts_and_what_it_becomes_is_not_looked_at_again() -> None:
    assert said("台北市立台北", ("台北", "1"), ("台北市", "2"), ("市立", "3")) == "2立1"
    assert said("a b", ("a", "b"), ("b", "a")) == "b a"
    assert said("abc ab", ("ab", "1"), ("abcd", "2")) == "abc 1"


def test_a_word_of_a_language_is_for_lines_in_that_language() -> None:
    entries = [("Chat", "x", "fr"), ("行", "y", "zh"), ("行", "z", "ja"), ("和", "w", "zh-TW")]
    assert said("Chat 行和", *entries, language="zh-TW") == "Chat yw"
    assert said("Chat 行和", *entries, language="zh-CN") == "Chat y和"
    assert said("Chat 行和", *entries, language="ja-JP") == "Chat z和"
    assert said("Chat 行和", *entries, language="fr") == "x 行和"


def test_of_two_the_first_counts_unless_the_other_is_of_just_this_language() -> None:
    assert said("a", ("a", "own"), ("a", "shared")) == "own"
    assert said("a", ("a", "every"), ("a", "ours", "zh")) == "ours"
    assert said("a", ("a", "every"), ("a", "theirs", "fr")) == "every"


def test_without_words_a_text_is_itself() -> None:
    text = "你好 hello"
    assert said(text) is text


@pytest.mark.parametrize("sign", ["a ", "好", "a"])
def test_a_text_is_read_in_linear_time(sign: str) -> None:
    say = lexicon_of([Pronunciation(sign * n, "x") for n in range(2, 100)], "zh-TW")
    assert_grows_with_the_length(lambda length: say(sign * (length // len(sign))), 60_000)


def test_ten_thousand_words_cost_a_script_as_much_as_ten() -> None:
    letters = random.Random(5)  # noqa: S311 - the same words each time
    text = "".join(letters.choices("甲乙丙丁戊己庚辛", k=50_000))

    def seconds(count: int) -> float:
        words = {"".join(letters.choices("甲乙丙丁戊己庚辛", k=12)) for _ in range(count)}
        say = lexicon_of([Pronunciation(word, "x") for word in words], "zh-TW")
        began = time.thread_time()
        say(text)
        return time.thread_time() - began

    assert seconds(10_000) < 20 * seconds(10) + 0.05
