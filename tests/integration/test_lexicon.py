"""A lexicon at work: what is spoken, and what an edit has spoken again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from actors.settings import WorkSettings
from storage.jobs import LOCAL_USER_ID, Script, Turn, VoiceAssignment
from storage.lexicon import Pronunciation
from storage.lexicon_store import LexiconStore
from storage.stores import Stores
from tests.integration.studio import Rehearsal, rehearsal

WORDS = [
    f"詞{first}{second}" for first in "甲乙丙丁戊己庚辛壬癸" for second in "子丑寅卯辰巳午未申酉戌亥天地玄黃宇宙洪荒"
]


@pytest.fixture
def stage(stores: Stores) -> Iterator[Rehearsal]:
    with rehearsal(stores, WorkSettings(turns_at_once=8)) as made:
        yield made


def script(*texts: str) -> Script:
    turns = tuple(Turn("A", text, index) for index, text in enumerate(texts))
    return Script("openai", turns, (VoiceAssignment("A", "alloy"),), "zh-TW", "wav", 0, 0)


def perform(stage: Rehearsal, asked: Script) -> tuple[list[str], Any]:
    """(what was spoken, in any order; the metadata)."""
    before = len(stage.vendor.calls_for("speech"))
    job_id = stage.submit(asked)
    stage.synthesize(job_id)
    stage.assemble(job_id)
    spoken = [call.body["input"] for call in stage.vendor.calls_for("speech")[before:]]
    return sorted(spoken), stage.job(job_id).result_metadata


def write(stage: Rehearsal, *entries: Pronunciation) -> None:
    stage.stores.lexicons.put(LOCAL_USER_ID, entries)


def test_words_are_said_as_the_lexicon_has_them_and_never_within_a_tag(stage: Rehearsal) -> None:
    write(stage, Pronunciation("重慶", "蟲慶"), Pronunciation("pause", "x"), Pronunciation("1s", "y"))
    spoken, done = perform(stage, script("去重慶[pause 1s]，pause 重慶"))
    assert spoken == ["去蟲慶", "，x 蟲慶"]
    assert done["billed_characters"] == sum(map(len, spoken))


def test_the_operators_words_are_for_everybody_and_a_users_own_go_before_them(stage: Rehearsal) -> None:
    shared = [Pronunciation("重慶", "蟲慶"), Pronunciation("SQL", "sequel")]
    stores = stage.stores
    object.__setattr__(stores, "lexicons", LexiconStore(stores.engine, shared))
    write(stage, Pronunciation("SQL", "S Q L"))
    assert perform(stage, script("重慶的 SQL"))[0] == ["蟲慶的 S Q L"]


def test_changing_one_of_two_hundred_words_speaks_exactly_the_lines_that_hold_it(stage: Rehearsal) -> None:
    entries = [Pronunciation(word, f"音{number}號") for number, word in enumerate(WORDS)]
    pick = random.Random(300)  # noqa: S311 - the same lines each time
    texts = [f"第{n}句說{pick.choice(WORDS)}和{pick.choice(WORDS)}。" for n in range(300)]
    write(stage, *entries)
    everything, _ = perform(stage, script(*texts))
    assert (len(entries), len(everything)) == (200, 300)

    changed = WORDS[77]
    write(stage, *(Pronunciation(changed, "另一個音") if entry.word == changed else entry for entry in entries))
    again, done = perform(stage, script(*texts))

    numbers = {entry.word: entry.say_as for entry in entries} | {changed: "另一個音"}
    holding = [text for text in texts if changed in text]
    expected: list[str] = []
    for text in holding:
        for word, say_as in numbers.items():
            text = text.replace(word, say_as)
        expected.append(text)
    assert holding
    assert again == sorted(expected)
    assert done["billed_characters"] == sum(map(len, expected))
