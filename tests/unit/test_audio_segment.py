"""What a vendor sends becomes a segment, or is refused with a reason."""

from __future__ import annotations

import io
import math
import struct
import subprocess
import sys
import time
import tracemalloc
import wave
import zlib
from array import array
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import av
import pytest

from actors.audio import segment as segment_module
from actors.audio.join import SAMPLE_RATE_HZ, AudioError, normalize_segment
from actors.audio.segment import longest_speech_ms, segment_length
from actors.audio.wav import sound_of

Codec = Literal["libmp3lame", "libopus", "flac"]

HELLO = "Hello, how are you?"
ROOT = Path(__file__).parents[2]


def tone(duration_ms: int, *, rate: int = SAMPLE_RATE_HZ, channels: int = 1, hz: float = 440.0) -> array[int]:
    wave_of = (round(8000 * math.sin(2 * math.pi * hz * n / rate)) for n in range(rate * duration_ms // 1000))
    return array("h", (sample for value in wave_of for sample in (value,) * channels))


def wav(samples: array[int], *, rate: int = SAMPLE_RATE_HZ, channels: int = 1, stated: int | None = None) -> bytes:
    """A WAV file; `stated` is what its header says that the size is, in place of the truth."""
    size = len(samples) * 2 if stated is None else stated
    riff = size if stated is not None else size + 36
    shape = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    return b"".join(
        [b"RIFF", struct.pack("<I", riff), b"WAVEfmt ", shape, b"data", struct.pack("<I", size), samples.tobytes()]
    )


def encoded(samples: array[int], *, muxer: str, codec: Codec, rate: int, frame_samples: int = 0) -> bytes:
    written = io.BytesIO()
    with av.open(written, "w", format=muxer) as container:
        options = {"frame_size": str(frame_samples)} if frame_samples else {}
        stream = container.add_stream(codec, rate=rate, layout="mono", options=options)
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return written.getvalue()


def one_frame_of_flac(rate: int) -> bytes:
    """As many samples as one frame can have, which are as long as the rate says."""
    return encoded(tone(65_536_000 // 24_000)[:65_535], muxer="flac", codec="flac", rate=rate, frame_samples=65_535)


def with_cover(mp3: bytes, *, pixels: int) -> bytes:
    """The MP3 with a picture of so many pixels by as many before it: empty, so that it packs a thousandfold."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + 4 * pixels)) for _ in range(pixels)) + packer.flush()
    size = struct.pack(">IIBBBBB", pixels, pixels, 8, 6, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", size), (b"IDAT", rows), (b"IEND", b""))
    )
    picture = b"\0image/png\0\x03\0" + png
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size_in_sevens = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size_in_sevens + frame + mp3


def megabytes_taken(sent: Path) -> int:
    """What a process of its own takes at most to make a segment of this file, or to refuse it."""
    code = f"""
import pathlib
from actors.audio.segment import AudioError, normalize_segment
sent = pathlib.Path({str(sent)!r}).read_bytes()
def most():  # of this program: getrusage counts what its parent had
    status = pathlib.Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))
before = most()
try: normalize_segment(sent, text="Hello, how are you?")
except AudioError: pass
print(most() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


def samples_of(segment: bytes) -> array[int]:
    """The samples of a segment, which is read as what it has to be."""
    with wave.open(io.BytesIO(segment)) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 2, SAMPLE_RATE_HZ)
        return array("h", read.readframes(read.getnframes()))


def crossings_a_second(samples: array[int]) -> float:
    """How often a tone rises through zero: its frequency."""
    rising = sum(a < 0 <= b for a, b in pairwise(samples))
    return rising * SAMPLE_RATE_HZ / len(samples)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_stereo_come_out_as_a_segment_of_the_same_length_and_pitch(rate: int, channels: int) -> None:
    made = samples_of(
        normalize_segment(wav(tone(1000, rate=rate, channels=channels), rate=rate, channels=channels), text=HELLO)
    )

    assert len(made) == pytest.approx(SAMPLE_RATE_HZ, abs=24)
    assert crossings_a_second(made) == pytest.approx(440, abs=3)


@pytest.mark.parametrize(
    ("muxer", "codec", "rate"),
    [
        ("mp3", "libmp3lame", 24_000),
        ("mp3", "libmp3lame", 44_100),
        ("ogg", "libopus", 48_000),
        ("flac", "flac", 22_050),
    ],
)
def test_an_encoded_answer_comes_out_as_a_segment_of_the_same_length_and_pitch(
    muxer: str, codec: Codec, rate: int
) -> None:
    sent = encoded(tone(1000, rate=rate), muxer=muxer, codec=codec, rate=rate)

    made = samples_of(normalize_segment(sent, text=HELLO))

    assert len(made) == pytest.approx(SAMPLE_RATE_HZ, abs=48)
    assert crossings_a_second(made) == pytest.approx(440, abs=3)


def test_a_segment_comes_out_as_it_went_in() -> None:
    samples = tone(700)

    assert samples_of(normalize_segment(wav(samples), text=HELLO)) == samples


@pytest.mark.parametrize("stated", [0, 0xFFFF_FFFF, 0x7FFF_F000])
def test_a_header_written_before_the_length_was_known_is_read_to_the_end(stated: int) -> None:
    samples = tone(700)

    assert samples_of(normalize_segment(wav(samples, stated=stated), text=HELLO)) == samples


def test_a_comment_about_data_in_the_header_is_not_taken_for_the_sound() -> None:
    plain = wav(tone(700))
    comment = b"LIST" + struct.pack("<I", 25) + b"INFOICMT\x0d\0\0\0about a data\0\0"

    made = samples_of(normalize_segment(plain[:36] + comment + plain[36:], text=HELLO))

    assert made == tone(700)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"RIFF", id="four bytes"),
        pytest.param(bytes(range(256)) * 40, id="garbage"),
        pytest.param(b'{"error": {"code": "quota_exceeded"}}' * 20, id="an error in JSON"),
        pytest.param(wav(array("h")), id="a header alone"),
        pytest.param(wav(array("h"), stated=0xFFFF_FFFF), id="a header of unknown length alone"),
        pytest.param(wav(array("h", bytes(48_000))), id="silence"),
        pytest.param(wav(array("h", [3, -4, 0, 2] * 6000)), id="the noise of a converter"),
        pytest.param(wav(tone(1000))[:30], id="half a header"),
        pytest.param(wav(tone(1000))[:24_000], id="half a WAV"),
        pytest.param(encoded(tone(1000), muxer="flac", codec="flac", rate=24_000)[:-900], id="a FLAC cut off"),
        pytest.param(encoded(tone(2000), muxer="mp3", codec="libmp3lame", rate=24_000)[:8_000], id="an MP3 cut off"),
    ],
)
def test_what_is_not_whole_and_audible_sound_is_refused(sent: bytes) -> None:
    with pytest.raises(AudioError):
        normalize_segment(sent, text=HELLO)


def amplified(samples: array[int], by_db: float) -> array[int]:
    """As a vendor who turns up the volume and cuts off what does not fit."""
    return array("h", (max(-32_768, min(32_767, round(sample * 10 ** (by_db / 20)))) for sample in samples))


def voice(duration_ms: int) -> array[int]:
    """A voice at 1.6 dB below full scale: three tones that swell and fade, as syllables do, so that peaks are rare."""
    parts = [tone(duration_ms, hz=hz) for hz in (130.0, 590.0, 1470.0)]
    swell = (math.sin(math.pi * n / 6_000) ** 2 for n in range(len(parts[0])))
    return array(
        "h", (round(sum(three) * weight * 27_200 / 24_000) for *three, weight in zip(*parts, swell, strict=True))
    )


@pytest.mark.parametrize("by_db", [12, 20])
def test_speech_that_was_made_far_too_loud_is_refused(by_db: float) -> None:
    with pytest.raises(AudioError, match="clipped"):
        normalize_segment(wav(amplified(voice(1000), by_db)), text=HELLO)


@pytest.mark.parametrize("by_db", [0, 1.6, 4])
def test_speech_that_reaches_full_scale_is_speech(by_db: float) -> None:
    assert normalize_segment(wav(amplified(voice(1000), by_db)), text=HELLO)


def test_a_playlist_is_refused_and_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.wav").write_bytes(wav(tone(1000)))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(AudioError):
        normalize_segment(b"ffconcat version 1.0\nfile 'secret.wav'\n", text=HELLO)


def test_silence_is_a_good_answer_where_there_is_nothing_to_say() -> None:
    assert len(samples_of(normalize_segment(wav(array("h", bytes(9_600))), text="……"))) == 4_800


def test_a_file_without_a_sample_is_no_answer_even_there() -> None:
    with pytest.raises(AudioError, match="empty"):
        normalize_segment(wav(array("h")), text="……")


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("a", 100),
        ("嗯", 100),
        ("I", 60),
        ("The quick brown fox jumps over the lazy dog.", 700),  # about four times the usual speed
        ("今天天气真不错，我们一起去公园散步吧。", 1_000),  # the same
        ("No.", 8_000),  # a slow and thoughtful one
    ],
)
def test_short_words_and_fast_or_slow_speech_are_speech(text: str, duration_ms: int) -> None:
    assert len(samples_of(normalize_segment(wav(tone(duration_ms)), text=text))) == duration_ms * 24


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [("a", 10), (HELLO * 20, 300), ("今天天气真不错。" * 20, 1_000), ("No.", 60_000)],
)
def test_what_cannot_be_the_speech_of_its_text_is_refused(text: str, duration_ms: int) -> None:
    with pytest.raises(AudioError, match="absurdly"):
        normalize_segment(wav(tone(duration_ms)), text=text)


@pytest.mark.parametrize("rate", [1, 10, 3_999, 192_001, 4_000_000])
def test_a_file_that_says_what_no_recorder_does_is_refused_for_that(rate: int) -> None:
    with pytest.raises(AudioError, match="samples a second"):
        normalize_segment(wav(tone(1000), rate=rate), text=HELLO)


@pytest.mark.parametrize("channels", [9, 64, 255])
def test_more_channels_than_any_recorder_has_are_refused(channels: int) -> None:
    with pytest.raises(AudioError, match="channels"):
        normalize_segment(wav(array("h", [5000, -5000] * channels), channels=channels), text="")


def test_a_small_file_that_says_10_hz_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "sent.flac").write_bytes(one_frame_of_flac(rate=10))
    assert megabytes_taken(tmp_path / "sent.flac") < 100


def test_what_lies_beside_the_sound_is_not_unpacked(tmp_path: Path) -> None:
    spoken = encoded(tone(1000), muxer="mp3", codec="libmp3lame", rate=24_000)
    (tmp_path / "sent.mp3").write_bytes(with_cover(spoken, pixels=8_000))
    assert megabytes_taken(tmp_path / "sent.mp3") < 150, "the cover alone is 256 MB"
    assert normalize_segment(with_cover(spoken, pixels=10), text=HELLO) == normalize_segment(spoken, text=HELLO)


def test_what_is_too_long_is_refused_before_it_is_resampled(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    class Resampler:
        def __init__(self, **wanted: Any) -> None:
            self._real = av.AudioResampler(**wanted)

        def resample(self, frame: av.AudioFrame | None) -> list[av.AudioFrame]:
            taken.append(frame.samples if frame else 0)
            return self._real.resample(frame)

    monkeypatch.setattr(segment_module, "AudioResampler", Resampler)
    with pytest.raises(AudioError, match="absurdly long"):
        normalize_segment(encoded(tone(14_000, rate=24_000), muxer="flac", codec="flac", rate=8_000), text="No.")
    assert sum(taken) <= 8_000 * longest_speech_ms("No.") / 1000


def test_a_file_of_empty_chunks_is_not_walked_to_its_end() -> None:
    sent = b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 2_000_000
    begun = time.thread_time()
    with pytest.raises(AudioError):
        normalize_segment(sent, text=HELLO)
    assert time.thread_time() - begun < 2


def test_the_sound_is_in_memory_once() -> None:
    sent = wav(tone(20_000))
    normalize_segment(sent, text=HELLO * 10)  # what is made once is made
    tracemalloc.start()
    segment = normalize_segment(sent, text=HELLO * 10)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.5 * len(segment)


@pytest.mark.parametrize(
    ("text", "usual_ms", "most_mb"),
    [
        ("The quick brown fox jumps over the lazy dog. " * 91, 290_000, 42),
        ("今天天气真不错，我们一起去公园散步吧。" * 215, 1_000_000, 121),
        ("3.14159 26535 89793 23846 " * 100, 700_000, 90),
    ],
)
def test_the_longest_turn_may_be_spoken_at_half_the_usual_speed_and_little_slower(
    text: str, usual_ms: int, most_mb: int
) -> None:
    assert 2 * usual_ms < longest_speech_ms(text) < most_mb * 1_000_000 / 48


def test_a_file_that_is_no_segment_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "stereo.wav").write_bytes(wav(tone(100, channels=2), channels=2))
    (tmp_path / "text.wav").write_bytes(b"not sound")
    (tmp_path / "empty.wav").write_bytes(b"")

    for name in ("stereo.wav", "text.wav", "empty.wav"):
        with pytest.raises(AudioError, match=name):
            segment_length(tmp_path / name)


def chunk(name: bytes, content: bytes, *, stated: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if stated is None else stated) + content + b"\0" * (len(content) % 2)


PLAIN = struct.pack("<HHIIHH", 1, 1, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * 2, 2, 16)
TONE = tone(700).tobytes()


@pytest.mark.parametrize(
    "chunks",
    [
        chunk(b"fmt ", PLAIN) + chunk(b"data", TONE),
        chunk(b"fmt ", PLAIN + b"\0\0") + chunk(b"junk", b"odd") + chunk(b"data", TONE) + chunk(b"junk", b"after"),
        chunk(b"fmt ", PLAIN) + chunk(b"data", TONE, stated=0xFFFF_FFFF),
        chunk(b"fmt ", PLAIN) + chunk(b"data", TONE, stated=0),
        chunk(b"fmt ", PLAIN) + chunk(b"data", TONE + b"\x01", stated=len(TONE) + 1),
    ],
    ids=["plain", "with other chunks", "streamed", "streamed, size 0", "half a sample"],
)
def test_what_is_a_segment_already_comes_out_as_if_it_were_decoded(
    chunks: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks
    as_it_is = normalize_segment(sent, text=HELLO)

    monkeypatch.setattr(segment_module, "sound_of", lambda *_: None)
    assert normalize_segment(sent, text=HELLO) == as_it_is == wav(tone(700))


@pytest.mark.parametrize(
    "layout", [(1, 2, 24_000, 96_000, 4, 16), (1, 1, 16_000, 32_000, 2, 16), (1, 1, 24_000, 72_000, 3, 24)]
)
def test_other_wavs_are_decoded(layout: tuple[int, ...]) -> None:
    shape = chunk(b"fmt ", struct.pack("<HHIIHH", *layout))

    assert sound_of(b"RIFF\0\0\0\0WAVE" + shape + chunk(b"data", TONE), SAMPLE_RATE_HZ) is None


def test_a_plain_wav_that_is_absurdly_long_is_refused_too() -> None:
    with pytest.raises(AudioError, match="absurdly long"):
        normalize_segment(wav(array("h", [9, -9]) * (SAMPLE_RATE_HZ * 35 // 2)), text=HELLO)
