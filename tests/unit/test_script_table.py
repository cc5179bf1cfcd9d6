"""Texts as people paste them, a hundred and more in `tests/scripts/`, and what is read in each."""

from __future__ import annotations

import pytest

from actors.directions import Words, reading_of
from service.requests.script.dialogue import ChangeKind, Format
from service.requests.script.reader import parse_dialogue
from tests.scripts import Sample, described, samples

SAMPLES = list(samples())


def test_there_are_a_hundred() -> None:
    assert len(SAMPLES) >= 100


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
def test_a_text_as_people_paste_it_is_read_as_it_is_meant(sample: Sample) -> None:
    assert described(parse_dialogue(sample.text)) == sample.expected


def test_every_kind_of_change_is_in_the_table() -> None:
    assert {kind for sample in SAMPLES for kind in ChangeKind if f"\n{kind} " in sample.expected} == set(ChangeKind)


def test_a_line_that_was_changed_is_told_before_and_after() -> None:
    changes = parse_dialogue("> 1. **小美**（開心）：你好\n").changes
    assert [(change.kind, change.before, change.after) for change in changes] == [
        ("quote", "> 1. **小美**（開心）：你好", "1. **小美**（開心）：你好"),
        ("number", "1. **小美**（開心）：你好", "**小美**（開心）：你好"),
        ("emphasis", "**小美**（開心）：你好", "小美（開心）：你好"),
        ("aside", "小美（開心）：你好", "小美: （開心）你好"),
    ]


@pytest.mark.parametrize("line", ["**小美**：好", "- 小美：好", "1. 小美：好", "# 小美：好", "---", "小美（笑）：好"])
@pytest.mark.parametrize("written_in", [Format.AUTO, Format.MARKDOWN])
def test_a_backslash_before_a_line_undoes_what_was_done_to_it(line: str, written_in: Format) -> None:
    before = "小美：先\n"
    (turn, *_), changes = (
        parse_dialogue(f"{before}\\{line}", written_in).turns,
        parse_dialogue(f"{before}{line}").changes,
    )
    assert {change.line for change in changes} == {2}
    dialogue = parse_dialogue(f"{before}\\{line}", written_in)
    as_script = parse_dialogue(f"{before}{line}", Format.SCRIPT)
    assert [(turn.speaker, turn.text) for turn in dialogue.turns] == [
        (turn.speaker, turn.text) for turn in as_script.turns
    ]
    assert [(change.line, change.kind) for change in dialogue.changes] == [(2, "escape")]
    assert turn.text.startswith("先")


def test_a_direction_behind_a_backslash_is_read_aloud() -> None:
    (turn,) = parse_dialogue("小美：你聽\n\\（大笑）").turns
    assert [part.text for part in reading_of(turn.text).parts if isinstance(part, Words)] == ["你聽\n（大笑）"]


def test_a_style_beside_a_name_is_the_style_of_the_line() -> None:
    (turn,) = parse_dialogue("小美（走近）（開心）：你好").turns
    assert (turn.speaker, reading_of(turn.text).parts) == ("小美", (Words("你好", "開心"),))


def test_a_format_that_is_named_is_not_looked_for() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\n小美：走\n"
    assert [change.kind for change in parse_dialogue(text).changes] == ["timecode", "timecode", "format"]
    assert [change.kind for change in parse_dialogue(text, Format.SRT).changes] == ["timecode", "timecode"]
    assert parse_dialogue(text, Format.SCRIPT).mistakes[0].line == 1


def test_a_text_that_needs_thousands_of_changes_is_no_script() -> None:
    dialogue = parse_dialogue("# 標題\n" * 6_000 + "小美：好")
    assert len(dialogue.changes) == 5_000
    assert dialogue.error("en") == "up to line 5000 5000 changes were needed: this is no script"


def test_a_long_line_is_cut_where_a_change_shows_it() -> None:
    (change,) = parse_dialogue(f"**小美**：{'好' * 1_000}").changes
    assert len(change.before) == len(change.after) == 201
