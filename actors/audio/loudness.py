"""How loud a voice is, and making it as loud as it should be: frames of mono sound in, a gain or levelled frames out.

EBU R128 by libav's own filters. Knows no files, turns or speakers: whose frames these are is the matter of
`actors/audio/join.py`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Final

from av import AudioFrame

from actors.audio.filters import FilterChain

#: Integrated loudness that every voice is brought to: the usual target of podcasts and of speech on the web.
TARGET_LUFS: Final = -16.0

#: The most that a voice is raised, in decibels: beyond it one hears the noise and no more of the voice.
MAX_GAIN_DB: Final = 30.0

#: The highest sample after levelling, as a part of full scale (-1 dB): room for what an encoder adds.
CEILING: Final = 0.891

#: R128 measures in blocks of 400 ms: of less sound than this it has nothing to say.
SHORTEST_MEASURABLE_MS: Final = 500

#: What the meter answers when no block was louder than its absolute gate.
_UNMEASURABLE_LUFS: Final = -70.0


def gain_to_target(frames: Iterable[AudioFrame], sample_rate_hz: int) -> float:
    """The gain in dB that brings these frames, as a whole, to `TARGET_LUFS`; at most `MAX_GAIN_DB`.

    0.0 for what cannot be measured: no more than noise, or shorter than `SHORTEST_MEASURABLE_MS`.
    """
    meter = FilterChain(sample_rate_hz, ("ebur128", "metadata=1:framelog=quiet"))
    measured = _UNMEASURABLE_LUFS
    for frame in meter.through(frames):
        measured = float(frame.metadata.get("lavfi.r128.I", measured))
    if not measured > _UNMEASURABLE_LUFS:  # nan included
        return 0.0
    return min(TARGET_LUFS - measured, MAX_GAIN_DB)


def levelled(frames: Iterable[AudioFrame], gain_db: float, sample_rate_hz: int) -> Generator[AudioFrame]:
    """The same sound, sample for sample as long, raised by `gain_db` and with no sample above `CEILING`."""
    limiter = FilterChain(
        sample_rate_hz,
        ("volume", f"volume={gain_db:.3f}dB:precision=double"),
        ("alimiter", f"limit={CEILING}:level=false:attack=1:release=50:latency=true"),
        ("aformat", "sample_fmts=s16"),
    )
    return limiter.through(frames)
