"""A long sound is encoded in parts, side by side, and the file is that of one encoder, byte for byte."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.audio import file, parts
from actors.audio.file import FORMATS, Labels, encoding
from actors.audio.parts import _junction
from actors.audio.segment import SAMPLE_RATE_HZ, Samples

#: Long enough for a dozen parts of 50 frames.
LENGTH = 50 * 576 * 12 + 777


def sounds() -> dict[str, Samples]:
    """Speech is between these: tones that come and go, noise, whispers, and silence that is suddenly none."""
    at = np.arange(LENGTH) / SAMPLE_RATE_HZ
    noise = np.random.default_rng(3).standard_normal(LENGTH)
    tone = np.sin(2 * np.pi * 220 * at) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * at))
    made = {
        "a voice": 0.3 * tone + 0.01 * noise,
        "a whisper": 0.0005 * noise,
        "noise at full scale": noise,
        "silence with claps": np.where((at % 0.9) < 0.01, noise, 0),
        "silence": 0 * noise,
    }
    return {name: np.rint(np.clip(sound, -1, 1) * 32_767).astype(np.int16) for name, sound in made.items()}


def encoded(sound: Samples, output: Path, *, length: int, block: int = 7_001) -> bytes:
    with encoding(output, FORMATS["mp3"], Labels(title="標題"), length) as encoder:
        for at in range(0, len(sound), block):
            encoder.write(sound[at : at + block])
    return output.read_bytes()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_FRAMES", 50)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("name", sounds())
def test_the_file_is_the_same_as_of_one_encoder(name: str, tmp_path: Path) -> None:
    sound = sounds()[name]

    one = encoded(sound, tmp_path / "one.mp3", length=0)

    assert encoded(sound, tmp_path / "parts.mp3", length=file._LONG_SAMPLES) == one
    assert encoded(sound, tmp_path / "parts.mp3", length=file._LONG_SAMPLES, block=500_000) == one


@pytest.mark.usefixtures("small_parts")
def test_without_frames_in_common_it_would_not_be_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = sounds()["a voice"]
    one = encoded(sound, tmp_path / "one.mp3", length=0)
    monkeypatch.setattr(parts, "_COMMON_FRAMES", 2)

    assert encoded(sound, tmp_path / "parts.mp3", length=file._LONG_SAMPLES) != one


@pytest.mark.parametrize("frames", [0.001, 50, 66, 67, 100, 116, 117])
@pytest.mark.usefixtures("small_parts")
def test_a_sound_may_end_anywhere_in_a_part(frames: float, tmp_path: Path) -> None:
    sound = sounds()["a voice"][: round(frames * 576)]

    one = encoded(sound, tmp_path / "one.mp3", length=0)

    assert encoded(sound, tmp_path / "parts.mp3", length=file._LONG_SAMPLES) == one


@pytest.mark.usefixtures("small_parts")
def test_whoever_breaks_off_leaves_no_thread(tmp_path: Path) -> None:
    class Stop(Exception):
        """The lease is lost."""

    def break_off() -> None:
        with encoding(tmp_path / "a", FORMATS["mp3"], Labels(), file._LONG_SAMPLES) as encoder:
            encoder.write(sounds()["a voice"])
            raise Stop

    with pytest.raises(Stop):
        break_off()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("encode")]


@dataclass
class Packet:
    """A packet as far as the junction looks at it."""

    pts: int
    data: bytes

    def __bytes__(self) -> bytes:
        return self.data


def packets(first: int, *data: bytes) -> Sequence[Any]:
    return [Packet(first + number, each) for number, each in enumerate(data)]


def test_one_part_goes_over_into_the_next_after_three_frames_that_are_alike() -> None:
    before = packets(0, b"a", b"b", b"c", b"d", b"e", b"f", b"?")
    after = packets(2, b"!", b"d", b"e", b"f", b"g", b"h")

    assert _junction(before, after) == (6, 4)


def test_parts_that_never_agree_are_joined_all_the_same() -> None:
    before, after = packets(0, b"a", b"b", b"c", b"d"), packets(1, b"x", b"y", b"z", b"g")

    assert _junction(before, after) == (2, 1)
