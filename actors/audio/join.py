"""Sound: segments in, one encoded file and its timeline out. Knows no job, no store and no vendor.

Here is the joining. What a segment is, how one is made and when it is refused is in `actors/audio/segment.py`; how loud
a voice is, in `actors/audio/loudness.py`; formats and their encoders, in `actors/audio/file.py`; what it looks like, in
`actors/audio/waveform.py`.

Time is counted in whole samples from the first turn to the last and becomes milliseconds only in the `Timeline`, so
that timings do not drift. Memory holds one turn at a time, however many there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.audio.file import FORMATS, Chapter, Format, Labels, encoding
from actors.audio.loudness import CEILING, SHORTEST_MEASURABLE_MS, gain_to_target, levelled
from actors.audio.segment import (
    SAMPLE_RATE_HZ,
    SAMPLES_PER_MS,
    AudioError,
    Samples,
    normalize_segment,
    read_segment,
    segment_length,
)
from actors.audio.waveform import Waveform

__all__ = [
    "FORMATS",
    "SAMPLE_RATE_HZ",
    "AudioError",
    "Format",
    "Joined",
    "Piece",
    "Timeline",
    "TurnTiming",
    "join",
    "normalize_segment",
]

#: A turn that meets silence rises and falls over 5 ms, so that it does not click.
_EDGE_SAMPLES: Final = 5 * SAMPLES_PER_MS

#: The highest sample of two turns that sound at once.
_HIGHEST_SAMPLE: Final = CEILING * 32_767

#: Characters of a turn's text in the title of its chapter.
_CHAPTER_TEXT_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class Piece:
    """A turn to be joined: its segment as `normalize_segment` made it, who speaks, and what is said."""

    path: Path
    speaker: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class TurnTiming:
    """Where a turn is heard, in milliseconds from the beginning of the file."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """How long the file is, as a decoder finds it, and where each turn is heard, in the order of the pieces."""

    duration_ms: int
    turns: tuple[TurnTiming, ...]


@dataclass(frozen=True, slots=True)
class Joined(Timeline):
    """What there is to say of a file that was written: its timeline, and its waveform as it is kept."""

    waveform: bytes


def join(
    pieces: Sequence[Piece],
    output: Path,
    *,
    format: str,
    gap_ms: int,
    crossfade_ms: int,
    normalize: bool = True,
    title: str | None = None,
    check: Callable[[], None] | None = None,
) -> Joined:
    """Write the pieces, one after the other, as one file in the format of that name, and say where each is heard.

    With `gap_ms` above 0 there is silence of that length between turns. At 0 a turn fades into the next over
    `crossfade_ms`, or over half of the shorter of the two. `normalize` brings all speakers to the same loudness;
    without it levels stay as they are. `check` is called before each turn, when it is measured and when it is written,
    and stops the work by raising.

    `output` must be on a disk: the length is written into its head at the end. After an error the file is not usable.

    Raises:
        ValueError: there are no pieces, there is no such format, or a time is negative.
        AudioError: a piece is no whole segment.
        OSError: a piece cannot be read, or the file not be written.
        Exception: what `check` raises.
    """
    if not pieces:
        raise ValueError("there is nothing to join")
    if format not in FORMATS:
        raise ValueError(f"no format {format!r}, only {', '.join(FORMATS)}")
    if gap_ms < 0 or crossfade_ms < 0:
        raise ValueError(f"a time is negative: gap {gap_ms} ms, crossfade {crossfade_ms} ms")
    kind = FORMATS[format]
    check = check or _go_on

    score = _score(pieces, gap_ms * SAMPLES_PER_MS, crossfade_ms * SAMPLES_PER_MS, kind.whole_samples)
    timeline = _timeline(score)
    gains_db = _gains_db(pieces, check) if normalize else {}
    waveform = Waveform(score.length, SAMPLE_RATE_HZ)
    with encoding(output, kind, _labels(pieces, timeline, title), score.length) as encoder:
        for sound in _mixed(pieces, score, gains_db, check):
            waveform.add(sound)
            encoder.write(sound)
    return Joined(timeline.duration_ms, timeline.turns, waveform.finish())


@dataclass(frozen=True, slots=True)
class _Score:
    """What sounds when, in samples: each turn's start and length, and how far it overlaps the next one."""

    starts: Sequence[int]
    lengths: Sequence[int]
    overlaps: Sequence[int]
    length: int


def _score(pieces: Sequence[Piece], gap: int, crossfade: int, whole: int) -> _Score:
    lengths = [segment_length(piece.path) for piece in pieces]
    overlaps = [0 if gap else min(crossfade, min(pair) // 2) for pair in pairwise(lengths)]
    starts = [0]
    for length, overlap in zip(lengths, overlaps, strict=False):
        starts.append(starts[-1] + length + gap - overlap)
    end = starts[-1] + lengths[-1]
    return _Score(starts, lengths, overlaps, length=math.ceil(end / whole) * whole)


def _timeline(score: _Score) -> Timeline:
    return Timeline(
        duration_ms=_ms(score.length),
        turns=tuple(
            TurnTiming(start_ms=_ms(start), end_ms=_ms(start + length))
            for start, length in zip(score.starts, score.lengths, strict=True)
        ),
    )


def _ms(samples: int) -> int:
    return (samples + SAMPLES_PER_MS // 2) // SAMPLES_PER_MS


def _gains_db(pieces: Sequence[Piece], check: Callable[[], None]) -> dict[str, float]:
    """One gain for all turns of a speaker, so that their whisper stays softer than their shout."""
    turns: dict[str, list[Path]] = {}
    for piece in pieces:
        turns.setdefault(piece.speaker, []).append(piece.path)
    return {
        speaker: gain_to_target(map(read_segment, _checked(_long_enough(paths), check)))
        for speaker, paths in turns.items()
    }


def _long_enough(paths: list[Path]) -> list[Path]:
    # A speaker of one short word cannot be measured: the word is repeated until they can.
    length = sum(segment_length(path) for path in paths)
    return paths * math.ceil(SHORTEST_MEASURABLE_MS * SAMPLES_PER_MS / length) if length else paths


def _checked(paths: Iterable[Path], check: Callable[[], None]) -> Generator[Path]:
    for path in paths:
        check()
        yield path


def _mixed(
    pieces: Sequence[Piece], score: _Score, gains_db: Mapping[str, float], check: Callable[[], None]
) -> Generator[Samples]:
    """All that is heard, in order."""
    fading = _silence(0)  # the end of the turn before, when this turn begins in it
    heard = 0
    for piece, start, overlap in zip(pieces, score.starts, [*score.overlaps, 0], strict=True):
        check()
        yield _silence(start - heard)
        samples = _turn(piece, gains_db.get(piece.speaker))
        if len(fading):
            samples[: len(fading)] = _crossfaded(fading, samples[: len(fading)])
        else:
            _soften_beginning(samples)
        if not overlap:
            _soften_end(samples)
        body = len(samples) - overlap
        yield samples[:body]
        fading = samples[body:]
        heard = start + body
    yield _silence(score.length - heard)


def _silence(count: int) -> Samples:
    return np.zeros(count, np.int16)


def _turn(piece: Piece, gain_db: float | None) -> Samples:
    """A turn as loud as it should be, to be written to."""
    sound = read_segment(piece.path)
    return sound.copy() if gain_db is None else levelled(sound, gain_db)


def _crossfaded(ending: Samples, beginning: Samples) -> Samples:
    """Both at once, of equal length: the one goes as the other comes, and the power of the two stays the same.

    Where both happen to be loud and alike that would clip. Then they are weighted to equal amplitude instead, the
    squares of the same curve, which is never louder than the louder of the two.
    """
    rise = _rise(len(ending))
    mixed = ending * rise[::-1] + beginning * rise
    if np.abs(mixed).max() > _HIGHEST_SAMPLE:
        mixed = ending * rise[::-1] ** 2 + beginning * rise**2
    return np.rint(mixed).astype(np.int16)


def _soften_beginning(samples: Samples) -> None:
    edge = min(_EDGE_SAMPLES, len(samples) // 2)
    samples[:edge] = np.rint(samples[:edge] * _rise(edge))


def _soften_end(samples: Samples) -> None:
    edge = min(_EDGE_SAMPLES, len(samples) // 2)
    samples[len(samples) - edge :] = np.rint(samples[len(samples) - edge :] * _rise(edge)[::-1])


@lru_cache(maxsize=8)
def _rise(count: int) -> NDArray[np.float64]:
    """A quarter of a sine from 0 to 1. Backwards it is the cosine: the squares of the two add up to 1."""
    return np.sin(np.pi / 2 * (np.arange(count) + 0.5) / count)


def _labels(pieces: Sequence[Piece], timeline: Timeline, title: str | None) -> Labels:
    """The speakers in the order in which they are first heard, and a chapter for each change of speaker."""
    changes = [n for n, piece in enumerate(pieces) if n == 0 or piece.speaker != pieces[n - 1].speaker]
    starts_ms = [timeline.turns[n].start_ms for n in changes]
    return Labels(
        title=title,
        speakers=list(dict.fromkeys(piece.speaker for piece in pieces)),
        chapters=[
            Chapter(
                start_ms, end_ms, title=f"{pieces[n].speaker}: {pieces[n].text[:_CHAPTER_TEXT_LENGTH]}".rstrip(": ")
            )
            for n, start_ms, end_ms in zip(changes, starts_ms, [*starts_ms[1:], timeline.duration_ms], strict=True)
        ],
    )


def _go_on() -> None:
    """The check of a caller who has nothing to check."""
