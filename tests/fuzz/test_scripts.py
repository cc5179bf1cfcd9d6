"""Texts put together from what people paste: each is read, and no line of it is changed or left out in silence."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest

from service.requests.schemas import MAX_CHARACTERS, MAX_DIALOGUE_LENGTH, MAX_TURNS
from service.requests.script.dialogue import Dialogue, Format
from service.requests.script.lines import lines_of
from service.requests.script.plain import speaker_and_text
from service.requests.script.reader import parse_dialogue
from tests.scripts import samples

#: As `FUZZ_MUTATIONS` of the requests: a few in `make test`, a hundred thousand in `make fuzz`.
TEXTS = 6 * int(os.environ.get("FUZZ_MUTATIONS", "200"))

LINES = [line for sample in samples() for line in sample.text.splitlines()]
BITS = [
    "**",
    "*",
    "_",
    "`",
    "> ",
    "- ",
    "1. ",
    "# ",
    "|",
    "：",
    ":",
    "（",
    "）",
    "[",
    "]",
    "【",
    "】",
    "\\",
    "<v A>",
    "</v>",
]
BITS += [
    "00:12 ",
    "00:00:01,000 --> 00:00:02,000",
    "@",
    "~",
    "---",
    "\t",
    "\u3000",
    "\u200e",
    "🎤",
    "\u2028",
    "«",
    "[pause 1s]",
]


def generated(dice: random.Random) -> str:
    """Lines of the table in any order, some of them with bits put in or characters left out."""
    lines = [dice.choice(LINES) for _ in range(dice.choice((1, 3, 10, 30)))]
    return dice.choice(("\n", "\n\n", "\r\n")).join(_bent(dice, line) for line in lines)


def _bent(dice: random.Random, line: str) -> str:
    for _ in range(dice.choice((0, 0, 1, 3))):
        at = dice.randrange(len(line) + 1)
        line = line[:at] + dice.choice((dice.choice(BITS), "")) + line[at + dice.choice((0, 0, 1)) :]
    return line


def nothing_happened_in_silence(text: str, dialogue: Dialogue) -> None:
    """Every line that was read as it stands is in a turn, word for word."""
    if dialogue.mistakes:
        return  # What stands below a line that is wrong is told with it.
    said = {piece for turn in dialogue.turns for piece in turn.text.split("\n")}
    told = {change.line for change in dialogue.changes}
    for line in lines_of(text, len(text) + 1):
        if line.text and line.number not in told and line.text not in said:
            named = speaker_and_text(line.text)
            assert named is not None, line
            assert not named[1] or named[1] in said, line


@pytest.mark.timeout(60 + TEXTS // 100)
def test_whatever_is_pasted_is_read_and_nothing_happens_in_silence() -> None:
    for number in range(TEXTS):
        dice = random.Random(number)  # noqa: S311 # to be repeated, not to be secret
        text = generated(dice)
        written_in = dice.choice([Format.AUTO, Format.AUTO, *Format])
        dialogue = parse_dialogue(text, written_in)
        assert [turn.index for turn in dialogue.turns] == list(range(len(dialogue.turns))), number
        assert list(dialogue.lines) == sorted(dialogue.lines), number
        assert all(turn.speaker.strip() and turn.text.strip() for turn in dialogue.turns), number
        assert written_in is not Format.SCRIPT or not dialogue.changes, number
        nothing_happened_in_silence(text, dialogue)


LARGEST: dict[str, Callable[[int], str]] = {
    "script": lambda n: f"小美{n % 6}：{'好' * 98}",
    "Markdown": lambda n: f"> - **小美{n % 6}**（開心）：這是*重要*的{'好' * 88}\n",
    "Fountain": lambda n: f"\nCAST {'ABCDEF'[n % 6]} (V.O.)\n(beat)\n{'word ' * 19}",
    "SubRip": lambda n: (
        f"{n}\n00:{n // 60:02}:{n % 60:02},000 --> 00:{n // 60:02}:{n % 60:02},900\nCAST{n % 6}: {'word ' * 19}\n"
    ),
    "WebVTT": lambda n: (
        f"00:{n // 60:02}:{n % 60:02}.000 --> 00:{n // 60:02}:{n % 60:02}.900\n<v C{n % 6}>{'word ' * 19}</v>\n"
    ),
}


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_script_that_a_job_takes_is_read(kind: str) -> None:
    head = {"WebVTT": "WEBVTT\n\n", "Fountain": "INT. A - DAY\n"}.get(kind, "")
    text = head + "\n".join(LARGEST[kind](n) for n in range(MAX_TURNS))
    began = time.thread_time()
    dialogue = parse_dialogue(text)
    took_ms = 1000 * (time.thread_time() - began)
    print(f"{kind}: {len(text)} characters, {len(dialogue.turns)} turns, {took_ms:.0f} ms")  # noqa: T201 # for `make fuzz`
    assert dialogue.mistakes == []
    assert len(dialogue.turns) == MAX_TURNS
    assert 90_000 < dialogue.total_characters <= MAX_CHARACTERS
    assert len(text) <= MAX_DIALOGUE_LENGTH
