"""GET and PUT /lexicon: as JSON, as CSV, what is refused, whose it is; and that lines are as long as they are said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pytest

from embedded.object_store import ObjectStore
from storage.jobs import LOCAL_USER_ID
from storage.lexicon import Pronunciation
from tests.service_api import SCRIPT, Api, running_api, settings_of

URL = "/api/v1/lexicon"
ENTRIES = [{"word": "SQL", "say_as": "sequel", "language": "en"}, {"word": "重慶", "say_as": "蟲慶"}]
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket)) as running:
        yield running


def entry(**changes: Any) -> Mapping[str, Any]:
    return {"entries": [ENTRIES[0], {**ENTRIES[1], **changes}]}


def shown(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"language": None, **given} for given in entries]


def test_a_lexicon_is_empty_until_it_is_written_and_then_as_it_was_written_last(api: Api) -> None:
    assert api.client.get(URL).json() == {"entries": []}

    written = api.client.put(URL, json={"entries": ENTRIES})
    assert (written.status_code, written.json()) == (200, {"entries": shown(ENTRIES)})
    assert api.client.get(URL).json() == {"entries": shown(ENTRIES)}

    api.client.put(URL, json={"entries": ENTRIES[1:]})
    assert api.client.get(URL).json() == {"entries": shown(ENTRIES[1:])}
    api.client.put(URL, json={"entries": []})
    assert api.client.get(URL).json() == {"entries": []}


def test_it_goes_out_as_csv_and_comes_back_the_same(api: Api) -> None:
    api.client.put(URL, json={"entries": ENTRIES})

    exported = api.client.get(URL, headers={"Accept": "text/csv"})

    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    assert exported.headers["content-disposition"] == 'attachment; filename="lexicon.csv"'
    assert exported.content.decode() == "\ufeffword,say_as,language\r\nSQL,sequel,en\r\n重慶,蟲慶,\r\n"
    api.client.put(URL, json={"entries": []})
    imported = api.client.put(URL, content=exported.content, headers=CSV)
    assert (imported.status_code, imported.json()) == (200, {"entries": shown(ENTRIES)})


def test_it_is_its_users_alone(api: Api, another_user: UUID) -> None:
    api.stores.lexicons.put(another_user, [Pronunciation("a", "b")])
    assert api.client.get(URL).json() == {"entries": []}
    api.client.put(URL, json={"entries": ENTRIES})
    assert api.stores.lexicons.get(another_user) == [Pronunciation("a", "b")]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ([], ["body"]),
        ({}, ["entries"]),
        ({"entries": {}}, ["entries"]),
        ({"entries": [1]}, ["entries[0]"]),
        ({"entries": [{"word": f"w{n}", "say_as": "x"} for n in range(1001)]}, ["entries"]),
        ({"entries": [], "more": 1}, ["more"]),
        (entry(word=""), ["entries[1].word"]),
        (entry(word="  "), ["entries[1].word"]),
        (entry(word="a\nb"), ["entries[1].word"]),
        (entry(word="\ud800"), ["entries[1].word"]),
        (entry(word="x" * 101), ["entries[1].word"]),
        (entry(word=1), ["entries[1].word"]),
        (entry(say_as="……"), ["entries[1].say_as"]),
        (entry(say_as="x" * 201), ["entries[1].say_as"]),
        (entry(say_as="a\ufffeb"), ["entries[1].say_as"]),
        (entry(language="Klingon of the north"), ["entries[1].language"]),
        (entry(ipa="x"), ["entries[1].ipa"]),
        ({"entries": [ENTRIES[0], {**ENTRIES[0], "say_as": "other"}]}, ["entries[1].word"]),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(api: Api, body: Any, fields: list[str]) -> None:
    api.stores.lexicons.put(LOCAL_USER_ID, [Pronunciation("kept", "kept")])
    answer = api.client.put(URL, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert [problem["field"] for problem in answer.json()["details"]["problems"]] == fields
    assert api.stores.lexicons.get(LOCAL_USER_ID) == [Pronunciation("kept", "kept")]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"SQL\n", "body"),
        (b"\xff\xff,\xff", "body"),
        (b"a,b\n" * 1001, "entries"),
        (b"a,b\na,c\n", "entries[1].word"),
        (b"a,b,x y\n", "entries[0].language"),
    ],
)
def test_a_csv_that_is_none_is_refused(api: Api, content: bytes, field: str) -> None:
    answer = api.client.put(URL, content=content, headers=CSV)
    assert answer.status_code == 400
    assert [problem["field"] for problem in answer.json()["details"]["problems"]] == [field]


def test_a_line_that_is_too_long_as_it_is_said_is_refused_before_it_is_spoken(api: Api) -> None:
    api.client.put(URL, json={"entries": [{"word": "好", "say_as": "很" * 200}]})
    turns = [{**turn, "text": "好好好"} for turn in SCRIPT["turns"]]
    answer = api.client.post("/api/v1/jobs", json={**SCRIPT, "turns": turns})
    fields = [problem["field"] for problem in answer.json()["details"]["problems"]]
    assert (answer.status_code, fields) == (400, ["turns[0].text", "turns[1].text"])
