"""The nouns."""

from __future__ import annotations

import json

import pytest

from storage.jobs import ACTIVE, TRANSITIONS, JobStatus, Script, Stage
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


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_takes_a_slot_as_long_as_it_is_not_ended(status: JobStatus) -> None:
    assert status.is_active == (status in {"pending", "processing"})


def test_every_state_that_a_job_can_come_to_is_known_and_an_end_is_final() -> None:
    reached = {target for targets in TRANSITIONS.values() for target in targets}

    assert reached <= set(TRANSITIONS)
    for (status, stage), targets in TRANSITIONS.items():
        assert (status in ACTIVE) == (stage != Stage.DONE) == bool(targets)
