"""docs/script.md: each of its examples is read as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.requests.schemas import MAX_CHARACTERS, MAX_SPEAKER_LENGTH, MAX_SPEAKERS, MAX_TURNS
from service.requests.script.reader import parse_dialogue

PAGE = (Path(__file__).parents[2] / "docs" / "script.md").read_text("utf-8")
EXAMPLES = re.findall(r"```script\n(.*?)```\n\n```turns\n(.*?)```", PAGE, re.DOTALL)


def test_every_example_says_what_is_read() -> None:
    assert len(EXAMPLES) == PAGE.count("```script\n") == PAGE.count("```turns\n") >= 10


@pytest.mark.parametrize(("script", "turns"), EXAMPLES)
def test_an_example_is_read_as_the_page_says(script: str, turns: str) -> None:
    dialogue = parse_dialogue(script)
    assert dialogue.mistakes == []
    assert [f"{turn.speaker}: {turn.text.replace(chr(10), ' ⏎ ')}" for turn in dialogue.turns] == turns.splitlines()


def test_the_limits_are_those_of_a_job() -> None:
    for limit in (MAX_SPEAKER_LENGTH, MAX_SPEAKERS, MAX_TURNS, MAX_CHARACTERS):
        assert len(re.findall(rf"(?<![\d,]){limit:,}(?![\d,])", PAGE)) >= 2
