"""actors/lines.py: a turn that is too long for its vendor, divided at ends of sentences."""

from __future__ import annotations

import pytest

from actors.directions import Pause
from actors.lines import SENTENCE_PAUSE_MS, digest_of, lines_in, parts_of, pieces_of, segment_digest
from actors.providers.provider import Line
from storage.jobs import Script, Turn, VoiceAssignment
from tests.growth import assert_grows_with_the_length
from tests.service_api import StubProvider


def divided(text: str, limit: int) -> list[str]:
    return list(pieces_of(text, lambda piece: len(piece) <= limit))


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("一二。三四。五六。", 6, ["一二。三四。", "五六。"]),
        ("一二。三四。五六。", 5, ["一二。", "三四。", "五六。"]),
        ("一二！？」三四……五", 6, ["一二！？」", "三四……五"]),
        ("One. Two. Three.", 9, ["One. Two.", "Three."]),
        ("It is 3.14 or so. Yes.", 17, ["It is 3.14 or so.", "Yes."]),
        ("a\n\nb\nc", 3, ["a", "b\nc"]),
        ("一二三四五六七。八。", 5, ["一二三四五六七。", "八。"]),
        ("沒有句尾的一句話", 3, ["沒有句尾的一句話"]),
        ("一。", 100, ["一。"]),
    ],
)
def test_as_few_pieces_as_fit(text: str, limit: int, pieces: list[str]) -> None:
    assert divided(text, limit) == pieces


@pytest.mark.parametrize("piece", ["。", "a. ", "a", "一二。", ".", "」", "。」"])
def test_a_text_is_divided_in_linear_time(piece: str) -> None:
    assert_grows_with_the_length(lambda length: divided(piece * (length // len(piece)), 500), 60_000)


def script(text: str) -> Script:
    return Script("stub", (Turn("A", text, 0),), (VoiceAssignment("A", "v-tw"),), "zh-TW", "mp3", 300, 50)


def test_a_line_that_fits_is_one_line_and_where_it_always_was() -> None:
    asked, provider = script("好。" * 250), StubProvider()
    parts = parts_of(asked, asked.turns[0], provider)
    assert parts == (Line("好。" * 250, "v-tw", "zh-TW"),)
    assert digest_of(provider, parts) == segment_digest(provider, parts[0])  # type: ignore[arg-type]


def test_a_line_that_does_not_is_several_with_a_breath_between_them() -> None:
    asked = script("[pause 1s]" + "好。" * 600)
    first, *others = parts_of(asked, asked.turns[0], StubProvider())
    assert first == Pause(1000)
    assert [len(line.text) for line in lines_in(others)] == [500, 500, 200]
    assert others[1::2] == [Pause(SENTENCE_PAUSE_MS)] * 2
