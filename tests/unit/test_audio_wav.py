"""actors/audio/wav.py: what came from a vendor becomes an audio file, or is found not to be one."""

import io
import struct
import wave
from pathlib import Path

import pytest

from actors.audio.wav import NotAudio, audio_file, duration_s, missing_bytes, reading, wav_of

TWO_SECONDS = b"\x01\x02" * 16_000
HEADER_BYTES = 44


def test_pcm_gets_a_header_that_the_standard_library_reads() -> None:
    with wave.open(io.BytesIO(wav_of(TWO_SECONDS, 8000))) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 2, 8000)
        assert read.readframes(16_000) == TWO_SECONDS


def test_half_a_sample_at_the_end_is_dropped() -> None:
    assert wav_of(TWO_SECONDS + b"\x01", 8000) == wav_of(TWO_SECONDS, 8000)


@pytest.mark.parametrize("pcm", [b"", b"\x01"])
def test_no_sample_is_no_audio(pcm: bytes) -> None:
    with pytest.raises(NotAudio):
        wav_of(pcm, 8000)


def test_a_good_wav_stays_as_it_is() -> None:
    good = wav_of(TWO_SECONDS, 8000)
    assert audio_file(good) == good
    assert duration_s(good) == 2.0


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF - 36, 0])
def test_a_streamed_wav_gets_its_true_sizes(size: int) -> None:
    good = wav_of(TWO_SECONDS, 8000)
    streamed = bytearray(good)
    struct.pack_into("<I", streamed, 4, 0xFFFFFFFF)
    struct.pack_into("<I", streamed, 40, size)
    assert audio_file(bytes(streamed)) == good


def test_chunks_before_the_data_are_stepped_over() -> None:
    good = wav_of(TWO_SECONDS, 8000)
    with_list = good[:36] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + good[36:]
    assert audio_file(with_list) == with_list
    assert duration_s(with_list) == 2.0


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>busy</html>", id="a page"),
        pytest.param(b'{"error": "no"}', id="json"),
        pytest.param(b"\xff\xfe<\0h\0", id="UTF-16"),
        pytest.param(wav_of(TWO_SECONDS, 8000)[:-100], id="a WAV that is cut"),
        pytest.param(wav_of(TWO_SECONDS, 8000)[:HEADER_BYTES], id="a header alone"),
        pytest.param(wav_of(TWO_SECONDS, 8000)[:20], id="half a header"),
    ],
)
def test_what_is_not_audio_is_refused(body: bytes) -> None:
    with pytest.raises(NotAudio):
        audio_file(body)


@pytest.mark.parametrize("start", [b"OggS", b"fLaC", b"ID3\x04", b"\xff\xfb\x90", b"\xff\xf1"])
def test_other_audio_is_let_through(start: bytes) -> None:
    assert audio_file(start + b"rest") == start + b"rest"


def test_what_is_missing_of_a_wav_is_counted_unless_its_length_is_made_up() -> None:
    good = wav_of(TWO_SECONDS, 8000)

    assert missing_bytes(good) is None
    assert missing_bytes(good[:-1000]) == (len(TWO_SECONDS) - 1000, len(TWO_SECONDS))
    assert missing_bytes(good[:HEADER_BYTES]) == (0, len(TWO_SECONDS))
    assert missing_bytes(good[:40] + b"\xff" * 4) is None
    assert missing_bytes(b"OggS" + good[4:-1000]) is None


@pytest.mark.parametrize(
    "file", [wav_of(TWO_SECONDS, 8000)[:-1], wav_of(TWO_SECONDS, 16_000), b"RIFF", b""], ids=["cut", "rate", "head", ""]
)
def test_a_file_of_another_shape_or_not_whole_is_not_read(file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    path.write_bytes(wav_of(TWO_SECONDS, 8000))
    with reading(path, 8000) as read:
        assert read.readframes(read.getnframes()) == TWO_SECONDS

    path.write_bytes(file)
    with pytest.raises(NotAudio, match=r"one\.wav"), reading(path, 8000):
        pass
