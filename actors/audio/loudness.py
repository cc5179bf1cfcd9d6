"""How loud a voice is, and making it as loud as it should be: sound in, a gain or levelled sound out.

EBU R128 and the limiter are libav's own filters; where there is nothing to limit, none is asked. Knows no files, turns
or speakers: whose sound it is given is the matter of `actors/audio/join.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from actors.audio.filters import FilterChain
from actors.audio.segment import SAMPLE_RATE_HZ, Samples, blocks_of, frames_of, samples_of

#: Integrated loudness that every voice is brought to: the usual target of podcasts and of speech on the web.
TARGET_LUFS: Final = -16.0

#: The most that a voice is raised, in decibels: beyond it one hears the noise and no more of the voice.
MAX_GAIN_DB: Final = 30.0

#: The highest sample after levelling, as a part of full scale (-1 dB): room for what an encoder adds.
CEILING: Final = 0.891

#: R128 measures in blocks of 400 ms: of less sound than this it has nothing to say.
SHORTEST_MEASURABLE_MS: Final = 500

#: A sample of 16 bit that is 1.0 to a filter.
_FULL_SCALE: Final = 32_768

#: What the meter answers when no block was louder than its absolute gate.
_UNMEASURABLE_LUFS: Final = -70.0


def gain_to_target(sounds: Iterable[Samples]) -> float:
    """The gain in dB that brings these sounds, as a whole, to `TARGET_LUFS`; at most `MAX_GAIN_DB`.

    0.0 for what cannot be measured: no more than noise, or shorter than `SHORTEST_MEASURABLE_MS`.
    """
    meter = FilterChain(SAMPLE_RATE_HZ, ("ebur128", "metadata=1:framelog=quiet"))
    measured = _UNMEASURABLE_LUFS
    for frame in meter.through(frames_of(sounds)):
        # Each says how loud all is that came so far; the last one may be too short to say it.
        measured = float(frame.metadata.get("lavfi.r128.I", measured))
    if not measured > _UNMEASURABLE_LUFS:  # nan included
        return 0.0
    return round(min(TARGET_LUFS - measured, MAX_GAIN_DB), 3)


def levelled(sound: Samples, gain_db: float) -> Samples:
    """The same sound, sample for sample as long, raised by `gain_db` and with no sample above `CEILING`."""
    if not len(sound):
        return sound.copy()
    factor = 10 ** (gain_db / 20)
    if max(int(sound.max()), -int(sound.min())) * factor <= CEILING * _FULL_SCALE:
        # A block at a time: as numbers of 64 bit a long turn would be four times as large.
        return np.concatenate([np.rint(block * factor).astype(np.int16) for block in blocks_of(sound)])
    limiter = FilterChain(
        SAMPLE_RATE_HZ,
        ("volume", f"volume={gain_db:.3f}dB:precision=double"),
        ("alimiter", f"limit={CEILING}:level=false:attack=1:release=50:latency=true"),
        ("aformat", "sample_fmts=s16"),
    )
    return np.concatenate([samples_of(frame) for frame in limiter.through(frames_of([sound]))])
