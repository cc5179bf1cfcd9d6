"""actors/providers/refusals.py: what is refused before any vendor is asked."""

import pytest

from actors.providers.refusals import (
    has_forbidden_characters,
    has_something_to_say,
    is_safe_voice_id,
    too_long_turns,
    unknown_voices,
    unspeakable_turns,
)
from storage.jobs import Script, Turn, VoiceAssignment


def script(*texts: str, voice_ids: tuple[str, ...] = ("alloy",)) -> Script:
    turns = tuple(Turn("A", text, index) for index, text in enumerate(texts))
    assignments = tuple(VoiceAssignment(f"S{n}", voice_id) for n, voice_id in enumerate(voice_ids))
    return Script("openai", turns, assignments, "zh-TW", "mp3", 300, 50)


@pytest.mark.parametrize(
    "voice_id",
    ["cmn+f2", "zh-TW-HsiaoYuNeural", "zh-CN-Xiaoxiao:DragonHDLatest", "af_bella(2)+af_sky", "中文女", "m/v"],
)
def test_names_of_voices_are_safe(voice_id: str) -> None:
    assert is_safe_voice_id(voice_id)


@pytest.mark.parametrize(
    "voice_id",
    ["", " ", "../etc", "a/../b", "a//b", "/etc", "a\nb", "a\0", 'a"', "a'b", "<a>", "a&b", "a\\b", "x" * 129],
)
def test_what_could_be_more_than_a_name_is_not(voice_id: str) -> None:
    assert not is_safe_voice_id(voice_id)


def test_unknown_and_unsafe_voices_are_told_by_their_place() -> None:
    problems = unknown_voices(script("hi", voice_ids=("alloy", "bella", "a\nb")), lambda voice: voice != "bella")
    assert [problem.field for problem in problems] == ["voice_assignments[1].voice_id", "voice_assignments[2].voice_id"]


def test_a_turn_may_be_as_long_as_the_limit() -> None:
    assert [p.field for p in too_long_turns(script("a" * 10, "b" * 11), 10)] == ["turns[1].text"]


def test_a_turn_needs_something_to_say_that_xml_can_carry() -> None:
    problems = unspeakable_turns(script("好", "……", "a\x0b", "5", "!?", "\ud800a"))
    assert [problem.field for problem in problems] == [
        "turns[1].text",
        "turns[2].text",
        "turns[4].text",
        "turns[5].text",
    ]


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_what_xml_forbids(character: str) -> None:
    assert has_forbidden_characters(f"a{character}b")


@pytest.mark.parametrize("text", ["a\tb\r\nc", "\x7f", "\ufffd", "𠮷野家", "😀"])
def test_what_xml_allows(text: str) -> None:
    assert not has_forbidden_characters(text)


@pytest.mark.parametrize("text", ["好", "a", "5", "１", "नमस्ते", "、5。"])
def test_letters_and_numbers_can_be_said(text: str) -> None:
    assert has_something_to_say(text)


@pytest.mark.parametrize("text", ["……", "——", " ", "。", "😀", ""])
def test_punctuation_alone_cannot(text: str) -> None:
    assert not has_something_to_say(text)
