"""One segment of several pieces and silences, to the sample: a turn in which somebody pauses."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from actors.audio.segment import SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioError
from actors.audio.wav import wav_of

#: A piece that meets silence rises and falls over 5 ms, so that it does not click.
_EDGE_SAMPLES: Final = 5 * SAMPLES_PER_MS

_Samples = npt.NDArray[np.int16]


def compose(parts: Sequence[bytes | int]) -> bytes:
    """The parts one after the other as one segment: segments, and silences in milliseconds.

    Raises:
        AudioError: a part is no segment.
    """
    return wav_of(b"".join(_pcm(part) for part in parts), SAMPLE_RATE_HZ)


def require_segment(data: bytes) -> None:
    """Go on only with what can be composed.

    Raises:
        AudioError: it is no segment.
    """
    _samples(data)


def _pcm(part: bytes | int) -> bytes:
    if isinstance(part, int):
        return bytes(2 * SAMPLES_PER_MS * part)
    return _softened(_samples(part)).tobytes()


def _samples(segment: bytes) -> _Samples:
    try:
        with wave.open(io.BytesIO(segment)) as file:
            if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, SAMPLE_RATE_HZ):
                raise AudioError("a piece of the turn is no segment of ours")
            return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    except (wave.Error, EOFError) as error:
        raise AudioError(f"a piece of the turn cannot be read: {error}") from error


def _softened(samples: _Samples) -> _Samples:
    edge = min(_EDGE_SAMPLES, len(samples) // 2)
    rise = np.sin(np.pi / 2 * (np.arange(edge) + 0.5) / max(1, edge))
    softened = samples.astype(np.float64)
    softened[:edge] *= rise
    softened[len(samples) - edge :] *= rise[::-1]
    return np.rint(softened).astype("<i2")
