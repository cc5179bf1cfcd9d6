"""The noun of a lexicon: a word, and how it is said. And lexicons as CSV files, as spreadsheets write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: Characters of a word, and of how it is said.
MAX_WORD_LENGTH: Final = 100
MAX_SAY_AS_LENGTH: Final = 200
#: A user's own words, and those of the operator's file.
MAX_ENTRIES: Final = 1_000
MAX_SHARED_ENTRIES: Final = 10_000
#: The largest file that is read, in bytes: ten thousand words, each as long as may be, in Chinese.
MAX_FILE_BYTES: Final = 12 * 1024 * 1024

_COLUMNS: Final = ("word", "say_as", "language")


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """A word and how it is said. `language`: a BCP 47 tag, where it is said so in one language alone."""

    word: str
    say_as: str
    language: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape that the API takes and gives back."""
        given = {"word": self.word, "say_as": self.say_as}
        return given if self.language is None else {**given, "language": self.language}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Pronunciation:
        """The inverse of `as_json`."""
        return cls(entry["word"], entry["say_as"], entry.get("language"))


class BadLexicon(ValueError):
    """A file that is no lexicon; the message says where and why."""


def read_csv(text: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV file as objects of `word`, `say_as` and, where one is given, `language`. Nothing is checked.

    The first row may name the columns. Columns may be separated by commas, semicolons or tabs, as the first row says.

    Raises:
        BadLexicon: it is no CSV, or a row has no second column.
    """
    first, _, _ = text.removeprefix("\ufeff").partition("\n")
    separator = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator, strict=True)
    try:
        for number, row in enumerate(rows, start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and cells[0].casefold() == _COLUMNS[0]):
                continue
            if len(cells) < 2:
                raise BadLexicon(f"line {rows.line_num}: there must be a word and how it is said")
            yield {name: cell for name, cell in zip(_COLUMNS, cells, strict=False) if cell or name != "language"}
    except csv.Error as error:
        raise BadLexicon(f"line {rows.line_num}: {error}") from error


def write_csv(entries: Iterable[Pronunciation]) -> str:
    """A lexicon as CSV with a row of names, as RFC 4180 has it."""
    file = io.StringIO(newline="")
    rows = csv.writer(file)
    rows.writerow(_COLUMNS)
    rows.writerows([entry.word, entry.say_as, entry.language or ""] for entry in entries)
    return file.getvalue()


def shared_lexicon(path: Path) -> Sequence[Pronunciation]:
    """The operator's file, in UTF-8.

    Raises:
        BadLexicon: it cannot be read, is too large, or has a row that is no entry.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise BadLexicon(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadLexicon("must be in UTF-8") from error
    if len(content) > MAX_FILE_BYTES:
        raise BadLexicon(f"must have at most {MAX_FILE_BYTES // 1024 // 1024} MB")
    entries = [Pronunciation(row["word"], row["say_as"], row.get("language") or None) for row in read_csv(text)]
    if len(entries) > MAX_SHARED_ENTRIES:
        raise BadLexicon(f"must have at most {MAX_SHARED_ENTRIES} words")
    for entry in entries:
        if not (0 < len(entry.word) <= MAX_WORD_LENGTH and 0 < len(entry.say_as) <= MAX_SAY_AS_LENGTH):
            raise BadLexicon(f"{entry.word[:40]!r}: a word, or how it is said, is missing or too long")
    return entries
