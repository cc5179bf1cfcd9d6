"""The waveform of a sound, for a page to draw: about a thousand pairs of the lowest and the highest sample.

libav counts, some twenty times as fast as Python would. Kept as two 16 bit little-endian numbers a pair.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from av import AudioFrame

from actors.audio.filters import FilterChain

#: A waveform has at most so many pairs.
MOST_PAIRS: Final = 1000
#: Nor is a pair for less than this.
_SHORTEST_PAIR_MS: Final = 1

_FULL_SCALE: Final = 32_768


class Waveform:
    """Takes the frames of a sound of `length` samples in order."""

    def __init__(self, length: int, sample_rate_hz: int) -> None:
        samples_a_pair = max(math.ceil(length / MOST_PAIRS), _SHORTEST_PAIR_MS * sample_rate_hz // 1000)
        self._pairs: list[int] = []
        self._meter = FilterChain(
            sample_rate_hz,
            ("asetnsamples", f"n={samples_a_pair}:p=0"),
            ("astats", "metadata=1:reset=1:measure_perchannel=Min_level+Max_level:measure_overall=none"),
        )

    def add(self, frame: AudioFrame) -> None:
        """The next frame."""
        self._take(self._meter.push(frame))

    def finish(self) -> bytes:
        """All of it is in: the waveform, as it is kept."""
        self._take(self._meter.push(None))
        return struct.pack(f"<{len(self._pairs)}h", *self._pairs)

    def _take(self, measured: Iterable[AudioFrame]) -> None:
        for frame in measured:
            for level in ("Min_level", "Max_level"):
                self._pairs.append(round(float(frame.metadata[f"lavfi.astats.1.{level}"])))


def pairs_of(waveform: bytes) -> Sequence[tuple[float, float]]:
    """The pairs of a waveform that was kept, each from -1 to 1."""
    levels = [round(level / _FULL_SCALE, 4) for (level,) in struct.iter_unpack("<h", waveform)]
    return list(zip(levels[::2], levels[1::2], strict=True))
