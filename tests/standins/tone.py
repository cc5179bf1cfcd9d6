"""What the stand-ins say: a tone, its pitch that of voice and style, its length that of the text at its speed."""

from __future__ import annotations

import io
import math
import struct
from array import array
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from io import BytesIO

import av
import numpy as np

from actors.audio.wav import wav_of

SAMPLE_RATE_HZ = 24_000
#: How long one character sounds. Not as speech, but so that a test can tell lengths apart.
MS_A_CHARACTER = 50
MAX_MS = 30_000
AMPLITUDE = 8000
#: Where the sizes of a WAV of ours are.
RIFF_SIZE_OFFSET, DATA_SIZE_OFFSET = 4, 40
RATE_OFFSET = 24


def frequency_hz(voice_id: str) -> int:
    """Between 200 and 1999 Hz, the same for a voice in every process, another for each of the stand-ins' voices."""
    return 200 + int.from_bytes(sha256(voice_id.encode()).digest()[:4]) % 1800


def duration_ms(text: str) -> int:
    """How long `text` sounds."""
    return min(MAX_MS, MS_A_CHARACTER * len(text))


def pcm(text: str, voice_id: str, speed: float = 1.0, style: str | None = None) -> bytes:
    """Samples: 16 bit, mono, 24 kHz."""
    second = _one_second(frequency_hz(f"{voice_id} {style}" if style else voice_id))
    size = 2 * (SAMPLE_RATE_HZ * round(duration_ms(text) / speed) // 1000)
    return (second * (size // len(second) + 1))[:size]


@lru_cache
def _one_second(of_hz: int) -> bytes:
    """It can be repeated without a click, as the frequency is a whole number."""
    step = 2 * math.pi * of_hz / SAMPLE_RATE_HZ
    return array("h", (round(AMPLITUDE * math.sin(step * n)) for n in range(SAMPLE_RATE_HZ))).tobytes()


def wav(text: str, voice_id: str, speed: float = 1.0, style: str | None = None) -> bytes:
    """The same as a WAV file."""
    return wav_of(pcm(text, voice_id, speed, style), SAMPLE_RATE_HZ)


def ogg(text: str, voice_id: str, speed: float = 1.0) -> bytes:
    """The same as an Ogg Vorbis file, which libav can write on two channels only."""
    samples = np.frombuffer(pcm(text, voice_id, speed), dtype="<i2").astype(np.float32) / 32768
    sound = av.AudioFrame.from_ndarray(np.stack([samples, samples]), format="fltp", layout="stereo")
    sound.sample_rate, sound.pts = SAMPLE_RATE_HZ, 0
    file = BytesIO()
    # Without these the number of the stream is another one each time.
    with av.open(file, "w", format="ogg", options={"fflags": "+bitexact", "serial_offset": "1"}) as container:
        stream = container.add_stream(
            "vorbis", rate=SAMPLE_RATE_HZ, layout="stereo", options={"strict": "experimental"}
        )
        container.mux([*stream.encode(sound), *stream.encode(None)])
    return file.getvalue()


def with_unknown_sizes(wav_file: bytes) -> bytes:
    """As a server writes a WAV that it streams: both sizes 0xFFFFFFFF."""
    streamed = bytearray(wav_file)
    for offset in (RIFF_SIZE_OFFSET, DATA_SIZE_OFFSET):
        struct.pack_into("<I", streamed, offset, 0xFFFFFFFF)
    return bytes(streamed)


def with_rate(wav_file: bytes, sample_rate_hz: int) -> bytes:
    """The same samples, said to be so many a second."""
    lying = bytearray(wav_file)
    struct.pack_into("<I", lying, RATE_OFFSET, sample_rate_hz)
    return bytes(lying)


@lru_cache
def flac(sample_rate_hz: int) -> bytes:
    """As many samples as one frame can have, in a few hundred bytes; how long they are is what the rate says."""
    written = io.BytesIO()
    with av.open(written, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=sample_rate_hz, layout="mono", options={"frame_size": "65535"})
        frame = av.AudioFrame(format="s16", layout="mono", samples=65_535)
        frame.planes[0].update(array("h", [AMPLITUDE] * 65_535).tobytes())
        frame.sample_rate, frame.time_base, frame.pts = sample_rate_hz, Fraction(1, sample_rate_hz), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return written.getvalue()
