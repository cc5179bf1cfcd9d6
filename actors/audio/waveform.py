"""The waveform of a sound, for a page to draw: about a thousand pairs of the lowest and the highest sample.

Kept as two 16 bit little-endian numbers a pair.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Final

import numpy as np

from actors.audio.segment import Samples

#: A waveform has at most so many pairs.
MOST_PAIRS: Final = 1000
#: Nor is a pair for less than this.
_SHORTEST_PAIR_MS: Final = 1

_FULL_SCALE: Final = 32_768


class Waveform:
    """Takes a sound of `length` samples, in order and in parts of any size."""

    def __init__(self, length: int, sample_rate_hz: int) -> None:
        self._samples_a_pair = max(math.ceil(length / MOST_PAIRS), _SHORTEST_PAIR_MS * sample_rate_hz // 1000)
        self._pairs: list[Samples] = []
        #: The beginning of the next pair.
        self._rest: Samples = np.empty(0, np.int16)

    def add(self, samples: Samples) -> None:
        """What comes next."""
        waiting = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(waiting) - len(waiting) % self._samples_a_pair
        if whole:
            self._measure(waiting[:whole].reshape(-1, self._samples_a_pair))
        self._rest = waiting[whole:]

    def finish(self) -> bytes:
        """All of it is in: the waveform, as it is kept."""
        if len(self._rest):
            self._measure(self._rest.reshape(1, -1))
        return b"".join(pair.astype("<i2").tobytes() for pair in self._pairs)

    def _measure(self, parts: Samples) -> None:
        self._pairs.append(np.column_stack((parts.min(axis=1), parts.max(axis=1))))


def pairs_of(waveform: bytes) -> Sequence[tuple[float, float]]:
    """The pairs of a waveform that was kept, each from -1 to 1."""
    levels = [round(level / _FULL_SCALE, 4) for (level,) in struct.iter_unpack("<h", waveform)]
    return list(zip(levels[::2], levels[1::2], strict=True))
