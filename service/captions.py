"""Captions: the turns of a dialogue at the times at which they are heard, as WebVTT or SRT. Pure text, no job.

One cue a turn: where within a turn a word is heard is not known, and not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """One turn: who says what, and when, in milliseconds from the beginning."""

    start_ms: int
    end_ms: int
    speaker: str
    text: str


def webvtt(cues: Iterable[Cue]) -> str:
    """WebVTT, with each speaker as the voice of their cue (https://www.w3.org/TR/webvtt1/#webvtt-cue-voice-span)."""
    blocks = ["WEBVTT\n"]
    for cue in cues:
        times = f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}"
        blocks.append(f"{times}\n<v {_escaped(_on_one_line(cue.speaker))}>{_escaped(_without_blank_lines(cue.text))}\n")
    return "\n".join(blocks)


def srt(cues: Iterable[Cue]) -> str:
    """SubRip, with each speaker's name before their words. It has no way to escape anything."""
    blocks: list[str] = []
    for number, cue in enumerate(cues, start=1):
        times = f"{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}"
        blocks.append(f"{number}\n{times}\n{_on_one_line(cue.speaker)}: {_without_blank_lines(cue.text)}\n")
    return "\n".join(blocks)


def _clock(at_ms: int, point: str) -> str:
    seconds, milliseconds = divmod(at_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{milliseconds:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _without_blank_lines(text: str) -> str:
    """An empty line would end the cue."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
