"""A script as a file: encodings are found or refused, never taken in silence; of a document nothing is believed."""

from __future__ import annotations

import tracemalloc

import pytest

from service.requests.script.charsets import CODECS, decoded
from service.requests.script.dialogue import Format
from service.requests.script.docx import text_of_docx
from service.requests.script.files import MAX_FILE_BYTES, UnreadableFile, script_file
from service.requests.script.reader import parse_dialogue
from tests.growth import assert_grows_with_the_length
from tests.script_files import (
    DOCUMENT,
    DOCUMENT_TEXT,
    NO_DOCUMENT,
    NO_TEXT,
    SIMPLIFIED,
    TABLE,
    TEXT_FILES,
    TRADITIONAL,
    document,
    paragraph,
)


@pytest.mark.parametrize("name", TEXT_FILES)
def test_a_text_is_read_in_the_encoding_that_it_is_in(name: str) -> None:
    content, text, charset = TEXT_FILES[name]
    file = script_file(name, content)
    assert (file.text, file.charset, file.written_in) == (text, charset, Format.AUTO)


@pytest.mark.parametrize("name", NO_TEXT)
def test_what_is_no_text_of_ours_is_refused(name: str) -> None:
    with pytest.raises(UnreadableFile, match="no text in UTF-8, UTF-16, Big5 or GB18030"):
        script_file(name, NO_TEXT[name])


def test_a_mark_of_utf_16_tells() -> None:
    assert decoded(TRADITIONAL.encode("utf-16")).text == TRADITIONAL


def test_an_encoding_that_is_named_is_taken_or_refused() -> None:
    content = TRADITIONAL.encode("big5")
    assert script_file("a.txt", content, "Big5").text == TRADITIONAL
    with pytest.raises(UnreadableFile, match="no text in UTF-8"):
        script_file("a.txt", content, "UTF-8")


@pytest.mark.parametrize("charset", CODECS)
def test_every_encoding_that_can_be_named_is_read(charset: str) -> None:
    text = SIMPLIFIED if charset == "GB18030" else TRADITIONAL
    assert script_file("a.txt", text.encode(CODECS[charset][0]), charset).text == text


def test_where_two_encodings_are_possible_the_other_one_is_told() -> None:
    both = "小美：你好".encode("big5")
    file = script_file("a.txt", both)
    assert file.charset == "Big5"
    assert file.or_else in {None, "GB18030"}
    alike = bytes([0xB0, 0xA1]) * 20  # 啊 in GB18030, 陛 in Big5: everyday in both
    assert {script_file("a.txt", alike).charset, script_file("a.txt", alike).or_else} == {"Big5", "GB18030"}


@pytest.mark.parametrize(
    ("name", "written_in"),
    [
        ("a.MD", "markdown"),
        ("a.fountain", "fountain"),
        ("a.srt", "srt"),
        ("a.VTT", "vtt"),
        ("a", "auto"),
        ("-", "auto"),
    ],
)
def test_a_name_says_the_format(name: str, written_in: str) -> None:
    assert script_file(name, b"A: b").written_in == written_in


def test_the_words_of_a_document_are_lines() -> None:
    file = script_file("a.docx", DOCUMENT)
    assert (file.text, file.charset) == (DOCUMENT_TEXT, None)


def test_the_rows_of_a_table_in_a_document_are_lines_of_a_script() -> None:
    turns = parse_dialogue(script_file("a.docx", TABLE).text).turns
    assert [(turn.speaker, turn.text) for turn in turns] == [("小美", "你好"), ("阿明", "嗨")]


@pytest.mark.parametrize("name", NO_DOCUMENT)
def test_what_only_looks_like_a_document_is_refused_without_much_memory(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFile, match="document"):
            script_file(name, NO_DOCUMENT[name])
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_document_whose_words_are_no_script_by_their_number_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="too long"):
        script_file("a.docx", document(paragraph("字" * 1_000), times=400))


def test_a_file_that_is_too_large_is_refused_by_its_size() -> None:
    with pytest.raises(UnreadableFile, match="too large"):
        script_file("a.txt", b"a" * (MAX_FILE_BYTES + 1))


def test_a_document_is_read_in_time_that_grows_as_it_does() -> None:
    assert_grows_with_the_length(lambda length: text_of_docx(document(paragraph("a"), times=length // 50)), 400_000)
