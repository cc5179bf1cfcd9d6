"""The waveform of a sound: as few pairs as a page can draw, each of them exact."""

from __future__ import annotations

import random
from array import array

import numpy as np
import pytest

from actors.audio.segment import SAMPLE_RATE_HZ
from actors.audio.waveform import MOST_PAIRS, Waveform, pairs_of


def waveform_of(samples: array[int], *, block: int = 1_000) -> list[tuple[float, float]]:
    made = Waveform(len(samples), SAMPLE_RATE_HZ)
    for at in range(0, len(samples), block):
        made.add(np.array(samples[at : at + block], np.int16))
    return list(pairs_of(made.finish()))


@pytest.mark.parametrize("block", [1, 777, 24_000])
def test_each_pair_is_the_lowest_and_the_highest_sample_of_its_part(block: int) -> None:
    numbers = random.Random(4)  # noqa: S311 - a sound, not a secret
    samples = array("h", (numbers.randint(-32_768, 32_767) for _ in range(50_001)))

    pairs = waveform_of(samples, block=block)

    parts = [samples[at : at + 51] for at in range(0, len(samples), 51)]
    assert pairs == [(round(min(part) / 32_768, 4), round(max(part) / 32_768, 4)) for part in parts]
    assert len(pairs) <= MOST_PAIRS


@pytest.mark.parametrize(("length", "pairs"), [(1, 1), (24, 1), (480, 20), (24_000, 1000), (24_001, 961)])
def test_a_short_sound_has_fewer_pairs(length: int, pairs: int) -> None:
    assert waveform_of(array("h", [100] * length)) == [(0.0031, 0.0031)] * pairs


def test_silence_and_full_scale_are_zero_and_one() -> None:
    assert waveform_of(array("h", [0] * 100)) == [(0, 0)] * 5
    assert waveform_of(array("h", [-32_768, 32_767] * 12)) == [(-1, 1)]


def test_no_sound_has_no_pairs() -> None:
    assert waveform_of(array("h")) == []
