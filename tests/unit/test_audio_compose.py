"""actors/audio/compose.py: pieces and silences as one segment, to the sample."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from actors.audio.compose import compose
from actors.audio.segment import AudioError
from actors.audio.wav import wav_of

LOUD = wav_of(np.full(2400, 9000, "<i2").tobytes(), 24_000)  # 100 ms


def samples(segment: bytes) -> list[int]:
    with wave.open(io.BytesIO(segment)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").tolist()


def test_silence_is_as_long_as_it_was_asked_for_and_silent() -> None:
    heard = samples(compose([50, LOUD, 1001, LOUD]))
    assert len(heard) == 1200 + 2400 + 24_024 + 2400
    assert set(heard[:1200]) == set(heard[3600:27_624]) == {0}
    assert all(heard[1200:3600])


def test_a_piece_rises_and_falls_and_stays_as_it_is_between() -> None:
    heard = samples(compose([50, LOUD, 50]))[1200:3600]
    assert heard[0] < 200
    assert heard[:120] == sorted(heard[:120]) == heard[:-121:-1]
    assert set(heard[120:-120]) == {9000}


def test_silence_alone_is_a_segment() -> None:
    assert samples(compose([500])) == [0] * 12_000


def test_a_piece_of_one_sample_is_no_error() -> None:
    assert len(samples(compose([wav_of(b"\1\0", 24_000)]))) == 1


@pytest.mark.parametrize("piece", [b"", b"RIFF", wav_of(b"\1\0" * 9, 8000), b"ID3 something else"])
def test_what_is_no_segment_is_refused(piece: bytes) -> None:
    with pytest.raises(AudioError):
        compose([piece, 50])
