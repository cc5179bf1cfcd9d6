"""A long sound is encoded in parts, side by side: an encoder keeps one processor busy, and a machine has several.

Each part has an encoder of its own, and the first frames of a part are the last of the part before it. An encoder that
has just begun soon makes the same of them, to the byte, as the one that has been at it for long: there the one takes
over from the other, and nobody can hear, or even see, where that was. For codecs whose frames need no other.
"""

# PyAV leaves the parameter of its Packet open, and with it the types of encode and mux.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, Final

import numpy as np
from av import Packet

from actors.audio.segment import Samples

#: Frames that a part has before the next one begins: 10 s of MP3 at 24 kHz.
PART_FRAMES: Final = 416
#: Frames that two parts have in common.
_COMMON_FRAMES: Final = 16
#: So many frames in a row that are alike are no chance.
_ALIKE: Final = 3

Packets = Sequence["Packet[Any]"]


class PartsEncoder:
    """Takes a sound in order, in parts of any size. Memory holds a few of its own parts at a time."""

    def __init__(
        self,
        encode: Callable[[Samples, int], Packets],
        put: Callable[[Packets], None],
        *,
        frame_samples: int,
        threads: Executor,
        at_once: int,
    ) -> None:
        """`encode`: all packets of some sound, whose first sample has this number. `put`: takes packets in order."""
        self._encode = encode
        self._put = put
        self._step = PART_FRAMES * frame_samples
        self._part = self._step + _COMMON_FRAMES * frame_samples
        self._threads = threads
        self._at_once = at_once
        #: What no part has yet, or the next one needs again; the number of its first sample.
        self._waiting: list[Samples] = []
        self._length, self._position = 0, 0
        self._in_hand: deque[Future[Packets]] = deque()
        #: The end of it may be the next part's.
        self._done: Packets = []

    def write(self, samples: Samples) -> None:
        """Encode what comes next."""
        self._waiting.append(samples)
        self._length += len(samples)
        if self._length > self._part:
            self._begin_parts()

    def finish(self) -> None:
        """It was all: encode the rest, and wait until everything is put."""
        self._begin(np.concatenate(self._waiting))
        while self._in_hand:
            self._take_first()
        self._put(self._done)

    def _begin_parts(self) -> None:
        sound = np.concatenate(self._waiting)
        while len(sound) > self._part:
            self._begin(sound[: self._part].copy())
            sound = sound[self._step :]
            self._position += self._step
        self._waiting, self._length = [sound.copy()], len(sound)

    def _begin(self, sound: Samples) -> None:
        while len(self._in_hand) > self._at_once:
            self._take_first()
        self._in_hand.append(self._threads.submit(self._encode, sound, self._position))

    def _take_first(self) -> None:
        before, after = self._done, self._in_hand.popleft().result()
        if before:
            ends, begins = _junction(before, after)
            self._put(before[:ends])
            after = after[begins:]
        self._done = after


def _junction(before: Packets, after: Packets) -> tuple[int, int]:
    """How many packets of the one part are put, and with which of the other it goes on."""
    number_of = {packet.pts: number for number, packet in enumerate(before)}
    common = [(number_of[packet.pts], number) for number, packet in enumerate(after) if packet.pts in number_of]
    alike = 0
    for one, other in common:
        alike = alike + 1 if bytes(before[one]) == bytes(after[other]) else 0
        if alike == _ALIKE:
            return one + 1, other + 1
    # Never seen. Each frame can be decoded by itself; at worst one of them sounds coarse.
    return common[len(common) // 2]
