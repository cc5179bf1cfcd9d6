"""What a job would take of a dialogue, but its writer may not have meant."""

from __future__ import annotations

import pytest

from service.requests.script.reader import parse_dialogue
from tests.growth import assert_grows_with_the_length


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A: Hello\nB: Hi", []),
        ("A: see https://example.org/a", ["line 1 has a web address, which is read aloud letter by letter"]),
        ("A: see\nwww.example.org", ["line 1 has a web address, which is read aloud letter by letter"]),
        ("A: www. and https:// are no addresses", []),
        ("A: 好\nB: 🎉🎉", ["line 2 has signs alone: there is nothing to read aloud"]),
        ("A: 好\nB: ……", ["line 2 has signs alone: there is nothing to read aloud"]),
        ("A: 好\nB: 3", []),
        (
            "A: 一\nB: 二\nA: 三\nB: 四\nA: 五\nA：六\nB: 七\nBb: 八\nA: 九",
            ["line 8: 'Bb' speaks this once; is the name right?"],
        ),
        ("A: 一\nB: 二\nA: 三\nC: 四", []),
        ("A: 一\nA: 二\nA: 三", []),
        ("A: 好\n" * 799, []),
        ("A: 好\n" * 800, ["800 turns, of 1000 at most"]),
        ("A: 好\n" * 1000, ["1000 turns, of 1000 at most"]),
        (f"A: {'好' * 79_999}", []),
        (f"A: {'好' * 80_000}", ["80000 characters, of 100000 at most"]),
        (f"A: {'好' * 100_001}", []),
        ("A: 😀\n" * 150, ["line 1 has signs alone: there is nothing to read aloud", 100]),
    ],
)
def test_what_may_not_be_meant_is_told(text: str, told: list[str | int]) -> None:
    found = [warning.text("en") for warning in parse_dialogue(text).warnings]
    assert found == told or [found[0], len(found)] == told


def test_a_long_text_is_looked_through_in_time_that_grows_as_it_does() -> None:
    assert_grows_with_the_length(lambda length: parse_dialogue("A: " + "www. " * (length // 5)).warnings, 60_000)
