"""From the body of PUT /lexicon to words and how they are said: as JSON, or as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from actors.providers.problem import Problem, Text
from actors.providers.refusals import has_forbidden_characters, has_something_to_say
from service.http.errors import AnyRequest, InvalidRequest
from service.http.json_body import read_json
from service.requests.schemas import LanguageTag
from service.requests.validation import Problems, read_fields
from storage.lexicon import MAX_ENTRIES, MAX_SAY_AS_LENGTH, MAX_WORD_LENGTH, BadLexicon, Pronunciation, read_csv

CSV: Final = "text/csv"

#: What no vendor can be told, and no database keep; and what would be two lines of a CSV file.
_UNUSABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def _usable(text: str) -> str:
    if _UNUSABLE.search(text) or has_forbidden_characters(text):
        raise PydanticCustomError("control_character", "contains a control character")
    return text.strip()


def _not_blank(text: str) -> str:
    if not text:
        raise PydanticCustomError("blank", "is blank")
    return text


def _speakable(text: str) -> str:
    if not has_something_to_say(text):
        raise PydanticCustomError("unspeakable", "has nothing to say")
    return text


class EntryBody(BaseModel):
    """A word and how it is said."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    word: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_WORD_LENGTH,
            json_schema_extra={"pattern": r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$"},
        ),
        AfterValidator(_usable),
        AfterValidator(_not_blank),
    ] = Field(description="as it is written: small and capital letters differ, the longest word counts")
    say_as: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_SAY_AS_LENGTH,
            json_schema_extra={"pattern": r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$"},
        ),
        AfterValidator(_usable),
        AfterValidator(_not_blank),
        AfterValidator(_speakable),
    ] = Field(description="as it is said, in letters")
    language: LanguageTag | None = Field(default=None, description="BCP 47: for lines in this language alone")


class LexiconBody(BaseModel):
    """A user's words and how they are said."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    entries: list[EntryBody] = Field(max_length=MAX_ENTRIES)


def lexicon_in(request: AnyRequest, body: bytes) -> Sequence[Pronunciation]:
    """The words that a body holds: JSON, or CSV where its type says so.

    Raises:
        InvalidRequest: with all of its problems.
    """
    is_csv = request.headers.get("content-type", "").partition(";")[0].strip().lower() == CSV
    return entries_of({"entries": _rows_of(body)} if is_csv else read_json(request, body))


def entries_of(body: Any) -> Sequence[Pronunciation]:
    """The words of a lexicon, as an object.

    Raises:
        InvalidRequest: with all of its problems.
    """
    problems = Problems()
    read: Sequence[EntryBody | None] = read_fields(LexiconBody, body, problems).get("entries", ())
    for problem in _written_twice(read):
        problems.add(problem)
    if problems.found:
        raise InvalidRequest(problems.found)
    return [Pronunciation(entry.word, entry.say_as, entry.language) for entry in read if entry is not None]


def _written_twice(entries: Sequence[EntryBody | None]) -> Iterator[Problem]:
    seen: set[tuple[str, str | None]] = set()
    for place, entry in enumerate(entries):
        if entry is None:
            continue
        if (entry.word, entry.language) in seen:
            yield Problem(f"entries[{place}].word", Text("這個詞已經有了", "this word is there already"))
        seen.add((entry.word, entry.language))


def _rows_of(body: bytes) -> list[dict[str, str]]:
    try:
        rows: list[dict[str, str]] = []
        for row in read_csv(body.decode("utf-8-sig")):
            rows.append(row)
            if len(rows) > MAX_ENTRIES:
                break
    except UnicodeDecodeError:
        raise InvalidRequest([Problem("body", Text("不是有效的 UTF-8", "is not valid UTF-8"))]) from None
    except BadLexicon as error:
        raise InvalidRequest(
            [Problem("body", Text(f"不是可用的 CSV：{error}", f"is not usable CSV: {error}"))]
        ) from None
    return rows
