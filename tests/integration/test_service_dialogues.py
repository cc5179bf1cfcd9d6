"""POST /dialogues/parse over HTTP: the shape of its answer. What is read in which text is in `test_script_table.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from embedded.object_store import ObjectStore
from tests.service_api import Api, running_api, settings_of


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket)) as running:
        yield running


def test_a_dialogue_is_parsed(api: Api) -> None:
    text = "**A**: 你好\n\n[Host]：Hello\n- host: Hi\n\nnobody"
    answer = api.client.post("/api/v1/dialogues/parse", json={"dialogue_text": text}, headers={"Accept-Language": "en"})
    wrong = "line 6 has no speaker: write `Name: text`"
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "turns": [
                {"speaker": "A", "text": "你好", "index": 0, "line": 1},
                {"speaker": "Host", "text": "Hello", "index": 1, "line": 3},
                {"speaker": "host", "text": "Hi", "index": 2, "line": 4},
            ],
            "speakers": ["A", "Host", "host"],
            "total_characters": 9,
            "is_valid": False,
            "error": wrong,
            "mistakes": [{"line": 6, "message": wrong}],
            "warnings": [],
            "changes": [
                {"line": 1, "kind": "emphasis", "from": "**A**: 你好", "to": "A: 你好"},
                {"line": 4, "kind": "bullet", "from": "- host: Hi", "to": "host: Hi"},
            ],
            "suggestions": [{"kind": "merge_speakers", "speakers": ["Host", "host"]}],
        },
    )


def test_what_a_writer_may_not_have_meant_is_a_warning_in_their_language(api: Api) -> None:
    body = {"dialogue_text": "A: 你好\nB: 🙂🙂"}
    zh = api.client.post("/api/v1/dialogues/parse", json=body).json()
    en = api.client.post("/api/v1/dialogues/parse", json=body, headers={"Accept-Language": "en"}).json()
    told = {"line": 2, "kind": "nothing_to_say"}
    assert (zh["is_valid"], zh["warnings"]) == (True, [{**told, "message": "第 2 行只有符號，沒有可讀的字"}])
    assert en["warnings"] == [{**told, "message": "line 2 has signs alone: there is nothing to read aloud"}]


def test_a_format_that_is_asked_for_is_what_a_dialogue_is_read_as(api: Api) -> None:
    body = {"dialogue_text": "**A**: 你好", "format": "script"}
    answer = api.client.post("/api/v1/dialogues/parse", json=body).json()
    assert (answer["speakers"], answer["changes"]) == (["**A**"], [])


@pytest.mark.parametrize("text", ["", "沒有角色", "x" * 200_000, "\n".join(f"S{n}: 好" for n in range(2000))])
def test_a_dialogue_that_is_not_fit_for_a_job_is_no_error_of_the_request(api: Api, text: str) -> None:
    zh = api.client.post("/api/v1/dialogues/parse", json={"dialogue_text": text})
    en = api.client.post("/api/v1/dialogues/parse", json={"dialogue_text": text}, headers={"Accept-Language": "en"})
    assert (zh.status_code, zh.json()["is_valid"]) == (200, False)
    assert not zh.json()["error"].isascii()
    assert en.json()["error"].isascii()
