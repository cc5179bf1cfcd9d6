"""A text that a stranger pastes is read in time that grows as its length does, whatever it is taken for."""

from __future__ import annotations

import pytest

from service.requests.script.dialogue import Format
from service.requests.script.reader import parse_dialogue
from tests.growth import assert_grows_with_the_length

LONG = 20_000

#: How a text begins, what is repeated, how it ends.
TEXTS = {
    "a dialogue of brackets": ("", "[", ""),
    "a bracketed name and spaces": ("[a]", " ", "x"),
    "a bare name without an end": ("", "a", ""),
    "a line of spaces": ("A: b", "\u3000", "x"),
    "empty lines": ("", "\n", ""),
    "a turn of many lines": ("A: b", "\nc", ""),
    "many turns": ("", "A: b\n", ""),
    "many speakers who say nothing": ("", "A:\n", ""),
    "many lines that name nobody": ("", "a\n\n", ""),
    "stars": ("A: ", "*a ", ""),
    "stars that never close": ("A: ", "**a_ ", ""),
    "backticks": ("A: ", "` ``", ""),
    "quote marks": ("", "> ", "A: b"),
    "nested asides": ("A", "(", "): b"),
    "closed asides": ("A ", "(b)", ": c"),
    "tags that never close": ("A: ", "<b ", ""),
    "tags": ("A: ", "<b>", ""),
    "headings": ("", "# a\n", ""),
    "headings that come again": ("", "# a\n\nb\n\n", ""),
    "cells": ("|---|\n", "|a", "|"),
    "rows": ("|a|b|\n|---|---|\n", "|a|b|\n", ""),
    "dashes between words": ("", "a - ", "b"),
    "names and times": ("", "a 00:12\nb\n\n", ""),
    "digits and colons": ("", "1:", "x"),
    "many digits": ("a ", "1", ":"),
    "a date that goes on": ("1/1/1", "1", ", 1:00 a: b"),
    "messages": ("1/1/24, 1:00 - a: b\n", "1/1/24, 1:00 - a: b\n", ""),
    "capitals": ("", "A\nb\n\n", ""),
    "a boneyard": ("INT. A\n\nB\nc\n\n/*", "\na", ""),
    "notes in dialogue": ("INT. A\n\nB\n", "[[a", ""),
    "links that never close": ("A: ", "[a](", ""),
    "links": ("A: ", "[a](b)", ""),
    "pictures": ("A: ", "![a](b", ""),
    "sources": ("A: ", "【1†", ""),
    "deeds": ("A: ", "*sighs ", "*"),
    "deeds again": ("A: ", "*sighs* ", ""),
    "asides with a comma": ("A", "(b, c", "): d"),
    "wide spaces": ("a", "\u3000", "b"),
    "cues": ("1\n00:00:01,000 --> 00:00:02,000\n", "00:00:01,000 --> 00:00:02,000\nA: b\n\n", ""),
    "voices": ("WEBVTT\n\n0:01.000 --> 0:02.000\n", "<v A>b", ""),
    "voices that never close": ("WEBVTT\n\n0:01.000 --> 0:02.000\n", "<v ", ""),
    "entities": ("WEBVTT\n\n0:01.000 --> 0:02.000\n", "&amp;", ""),
    "headers again": ("WEBVTT\n\n", "WEBVTT\n\n", ""),
    "timings without an end": ("1\n00:00:01,000 --> 00:00:02,000\n", "00:00:01,000 --> ", ""),
}


#: What a text is not taken for by itself, and can be said to be.
SAID_TO_BE = [(name, one) for one in (Format.FOUNTAIN, Format.VTT) for name in ("stars", "many turns", "a boneyard")]


@pytest.mark.parametrize(("name", "written_in"), [*((name, Format.AUTO) for name in TEXTS), *SAID_TO_BE])
def test_no_text_takes_the_square_of_its_length(name: str, written_in: Format) -> None:
    before, repeated, after = TEXTS[name]

    def read(length: int) -> None:
        parse_dialogue(before + (repeated * (length // len(repeated) + 1))[:length] + after, written_in)

    assert_grows_with_the_length(read, LONG)
