"""storage/lexicon.py: lexicons as CSV files, and the operator's."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from storage.lexicon import MAX_SHARED_ENTRIES, BadLexicon, Pronunciation, read_csv, shared_lexicon, write_csv
from storage.settings import LexiconSettings, SettingsError


@pytest.mark.parametrize(
    "text",
    [
        "word,say_as,language\r\nSQL,sequel,en\r\n重慶,蟲慶,\r\n",
        "\ufeffSQL,sequel,en\n重慶,蟲慶\n",
        "SQL;sequel;en\n重慶;蟲慶;\n",
        "Word\tSay as\tLanguage\nSQL\tsequel\ten\n\n重慶 \t 蟲慶\t\tmore\n",
    ],
)
def test_what_spreadsheets_write_is_read(text: str) -> None:
    assert list(read_csv(text)) == [
        {"word": "SQL", "say_as": "sequel", "language": "en"},
        {"word": "重慶", "say_as": "蟲慶"},
    ]


def test_what_is_written_is_read_again() -> None:
    entries = [Pronunciation('a "b", c', "x;y"), Pronunciation("重慶", "蟲慶", "zh-TW")]
    rows = list(read_csv(write_csv(entries)))
    assert [Pronunciation.from_json(row) for row in rows] == entries


@pytest.mark.parametrize(("text", "line"), [("a,b\nc\n", 2), ('a,b\n"c,d\n', 2), ('"a"b,c\n', 1)])
def test_what_is_no_csv_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadLexicon, match=f"line {line}"):
        list(read_csv(text))


def test_a_file_of_the_operator(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("word,say_as,language\nSQL,sequel,en\n", "utf-8")
    assert LexiconSettings(lexicon_file=path).shared() == [Pronunciation("SQL", "sequel", "en")]
    assert LexiconSettings().shared() == ()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a\n", "line 1"),
        (b"\xff\xfe", "UTF-8"),
        (b"a,\n", "missing"),
        (b"x" * 101 + b",y\n", "too long"),
        (b"a,b\n" * (MAX_SHARED_ENTRIES + 1), "at most"),
    ],
)
def test_a_bad_file_stops_the_start(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "words.csv"
    path.write_bytes(content)
    with pytest.raises(ValidationError, match=why):
        LexiconSettings(lexicon_file=path)


def test_a_file_that_is_not_there_stops_the_start_and_one_that_goes_later_is_told(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    with pytest.raises(BadLexicon, match="cannot be read"):
        shared_lexicon(path)
    path.write_text("a,b\n")
    settings = LexiconSettings(lexicon_file=path)
    path.unlink()
    with pytest.raises(SettingsError, match="LEXICON_FILE: cannot be read"):
        settings.shared()
