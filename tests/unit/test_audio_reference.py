"""The join, sample for sample, beside one that is written as plainly as can be: a number at a time, no arrays at once.

What a listener hears must not change because it is made faster: no sample may differ by more than one.
"""

from __future__ import annotations

import math
import wave
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from av import AudioFrame
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NothingMore
from av.filter import Graph

from actors.audio.join import SAMPLE_RATE_HZ, Piece, join

PER_MS = SAMPLE_RATE_HZ // 1000
SPEAKERS = ["Ann", "Bob", "Ann", "Cyd", "Bob"]
LENGTHS = [4_501, 3_500, 6_172, 1_200, 4_000]
LEVELS = {"soft": 0.02, "loud": 0.95}


def voice(length: int, level: float, number: int) -> list[int]:
    """Something with peaks, so that the limiter has work once it is raised."""
    return [
        round(
            32_767
            * level
            * math.sin(n / (5 + number))
            * math.sin(n / 611)
            * (1.0 if n % 1_501 < 40 else 0.35 + n % 2 / 9)
        )
        for n in range(length)
    ]


def filtered(samples: Sequence[int], *filters: tuple[str, str]) -> list[Any]:
    """The frames that libav's filters make of these samples, handed to them at once."""
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=SAMPLE_RATE_HZ, format="s16", layout="mono", time_base=Fraction(1, SAMPLE_RATE_HZ)
    )
    graph.link_nodes(source, *(graph.add(*each) for each in filters), graph.add("abuffersink")).configure()
    frame = AudioFrame(format="s16", layout="mono", samples=len(samples))
    frame.planes[0].update(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
    frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE_HZ, Fraction(1, SAMPLE_RATE_HZ), 0
    graph.push(frame)
    graph.push(None)
    made: list[Any] = []
    while True:
        try:
            made.append(graph.pull())
        except (NothingYet, NothingMore):
            return made


def plainly_levelled(turns: Sequence[Sequence[int]]) -> list[list[int]]:
    """Every turn through volume and limiter, by the gain of its speaker."""
    gains: dict[str, float] = {}
    for speaker in SPEAKERS:
        said = [sample for name, turn in zip(SPEAKERS, turns, strict=True) if name == speaker for sample in turn]
        while len(said) < 500 * PER_MS:  # less than that has no loudness
            said += said
        frames = filtered(said, ("ebur128", "metadata=1:framelog=quiet"))
        (*_, measured) = (float(frame.metadata["lavfi.r128.I"]) for frame in frames if frame.metadata)
        gains[speaker] = min(-16 - measured, 30)
    levelled: list[list[int]] = []
    for name, turn in zip(SPEAKERS, turns, strict=True):
        frames = filtered(
            turn,
            ("volume", f"volume={gains[name]:.3f}dB:precision=double"),
            ("alimiter", "limit=0.891:level=false:attack=1:release=50:latency=true"),
            ("aformat", "sample_fmts=s16"),
        )
        levelled.append(
            [each for frame in frames for each in memoryview(bytes(frame.planes[0])[: frame.samples * 2]).cast("h")]
        )
    return levelled


def plainly_joined(turns: Sequence[Sequence[int]], gap: int, crossfade: int) -> list[int]:
    """Each turn added where it belongs, weighted sample by sample. Times in samples."""
    overlaps = [0 if gap else min(crossfade, min(len(one), len(other)) // 2) for one, other in pairwise(turns)]
    joined: list[float] = []
    for number, turn in enumerate(turns):
        before = overlaps[number - 1] if number else 0
        after = overlaps[number] if number < len(overlaps) else 0
        edge = min(5 * PER_MS, len(turn) // 2)
        first, last = before or edge, after or edge
        weights = [1.0] * len(turn)
        for at in range(first):
            weights[at] *= math.sin(math.pi / 2 * (at + 0.5) / first)
        for at in range(last):
            weights[-1 - at] *= math.sin(math.pi / 2 * (at + 0.5) / last)
        if number:
            joined += [0.0] * gap
        start = len(joined) - before
        sounding = [sample * weight for sample, weight in zip(turn, weights, strict=True)]
        mixed = [a + b for a, b in zip(joined[start:], sounding, strict=False)]
        if mixed and max(map(abs, mixed)) > 0.891 * 32_767:
            ending = [sample * weights_of(before)[-1 - at] for at, sample in enumerate(joined[start:])]
            mixed = [
                a + sample * weight * weight
                for a, sample, weight in zip(ending, turn, weights_of(before), strict=False)
            ]
        joined[start:] = mixed
        joined += sounding[before:]
    return [round(sample) for sample in joined]


def weights_of(count: int) -> list[float]:
    return [math.sin(math.pi / 2 * (at + 0.5) / count) for at in range(count)]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(("gap_ms", "crossfade_ms"), [(300, 50), (0, 0), (0, 500)])
def test_no_sample_differs_by_more_than_one(
    level: str, normalize: bool, gap_ms: int, crossfade_ms: int, tmp_path: Path
) -> None:
    turns = [voice(length, LEVELS[level], number) for number, length in enumerate(LENGTHS)]
    pieces: list[Piece] = []
    for number, (speaker, turn) in enumerate(zip(SPEAKERS, turns, strict=True)):
        path = tmp_path / f"{number}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
            file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in turn))
        pieces.append(Piece(path, speaker))

    output = tmp_path / "joined.wav"
    join(pieces, output, format="wav", gap_ms=gap_ms, crossfade_ms=crossfade_ms, normalize=normalize)

    expected = plainly_joined(plainly_levelled(turns) if normalize else turns, gap_ms * PER_MS, crossfade_ms * PER_MS)
    with wave.open(str(output)) as file:
        heard = memoryview(file.readframes(file.getnframes())).cast("h")
    assert len(heard) == len(expected)
    assert max(abs(one - other) for one, other in zip(heard, expected, strict=True)) <= 1
