"""Captions: what is written of each turn, whatever people have put into their dialogues."""

from __future__ import annotations

import pytest

from service.captions import Cue, srt, webvtt

TWO = [Cue(0, 1_250, "老王", "你好！"), Cue(1_550, 3_661_007, "Bob", "Hello.")]


def test_webvtt_has_each_turn_at_its_time_in_the_voice_of_its_speaker() -> None:
    assert webvtt(TWO) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\n<v 老王>你好！\n\n00:00:01.550 --> 01:01:01.007\n<v Bob>Hello.\n"
    )


def test_srt_has_each_turn_at_its_time_with_the_name_of_its_speaker() -> None:
    assert srt(TWO) == (
        "1\n00:00:00,000 --> 00:00:01,250\n老王: 你好！\n\n2\n00:00:01,550 --> 01:01:01,007\nBob: Hello.\n"
    )


@pytest.mark.parametrize(
    ("speaker", "text", "written"),
    [
        ("a>b", "1 < 2 & 3 > 2", "<v a&gt;b>1 &lt; 2 &amp; 3 &gt; 2"),
        ("</v>", "<script>&amp;</script>", "<v &lt;/v&gt;>&lt;script&gt;&amp;amp;&lt;/script&gt;"),
        ("A\nB", "one\n\n\r\ntwo\n", "<v A B>one\ntwo"),
        ("A", "00:00 --> 00:01", "<v A>00:00 --&gt; 00:01"),
        ("A.b c", "NOTE\nWEBVTT", "<v A.b c>NOTE\nWEBVTT"),
    ],
)
def test_nothing_in_a_dialogue_ends_a_cue_or_begins_a_tag(speaker: str, text: str, written: str) -> None:
    assert webvtt([Cue(0, 1, speaker, text)]) == f"WEBVTT\n\n00:00:00.000 --> 00:00:00.001\n{written}\n"


def test_an_empty_line_does_not_end_an_entry_of_srt() -> None:
    assert srt([Cue(0, 1, "A\nB", "one\n \n\ntwo")]) == "1\n00:00:00,000 --> 00:00:00,001\nA B: one\ntwo\n"


def test_a_dialogue_of_no_turns_is_a_file_of_no_cues() -> None:
    assert (webvtt([]), srt([])) == ("WEBVTT\n", "")
