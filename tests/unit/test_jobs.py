"""The nouns."""

from __future__ import annotations

import json

from storage.jobs import Script
from tests.samples import script


def test_a_script_survives_json() -> None:
    asked = script("一", "二", output_format="wav", gap_ms=0)

    assert Script.from_json(json.loads(json.dumps(asked.as_json()))) == asked


def test_turns_come_back_in_the_order_of_speaking() -> None:
    params = script("一", "二", "三").as_json()
    params["turns"].reverse()

    assert [turn.text for turn in Script.from_json(params).turns] == ["一", "二", "三"]


def test_each_speaker_has_the_voice_that_was_assigned() -> None:
    asked = script("一", "二")

    assert (asked.voice_of("A"), asked.voice_of("B")) == ("cmn+f2", "cmn+m3")
