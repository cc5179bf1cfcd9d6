"""actors/speech/runs.py: where a text is cut, and that cutting it takes no time."""

from __future__ import annotations

import pytest

from actors.speech.runs import sentences
from tests.growth import assert_grows_with_the_length


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("一。二！", ["一。", "二！\n"]),
        ("one \n \n two", ["one \n", " two\n"]),
        ("\n\none\n", ["one\n"]),
        ("Mr. Lin said: hello. Then he left.", ["Mr. Lin said: hello.", " Then he left.\n"]),
    ],
)
def test_a_text_is_cut_where_a_sentence_ends(text: str, pieces: list[str]) -> None:
    assert list(sentences(text)) == pieces


def test_white_space_of_any_length_costs_no_time() -> None:
    """32 kB of spaces took eight seconds, with the interpreter's lock held."""
    assert len(list(sentences("a" + " " * 100_000 + "b"))) == 1

    assert_grows_with_the_length(lambda length: list(sentences("a" + " " * length + "b")), 100_000)
