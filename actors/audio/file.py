"""The file that a listener gets: the formats it can have, its encoder, its title, speakers and chapters.

Takes samples in order and knows nothing of turns or levels: what is heard when is the matter of `actors/audio/join.py`.
"""

# PyAV leaves the parameter of its Packet open, and with it the types of encode and mux.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, Protocol

import av
from av import AudioFrame, AudioStream, CodecContext
from av.container import OutputContainer

from actors.audio.parts import Packets, PartsEncoder
from actors.audio.segment import SAMPLE_RATE_HZ, Samples, blocks_of, frame_of, frames_of

#: From this length on (one minute) a sound is encoded in parts, so many at once.
_LONG_SAMPLES: Final = 60 * SAMPLE_RATE_HZ
_PARTS_AT_ONCE: Final = min(os.cpu_count() or 1, 4)

#: The counters of ID3v2's table of contents and of MP4's chapter list are one byte.
_MAX_CHAPTERS: Final = 255


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: what a client needs to know of it, and then how libav is told to write it."""

    name: str
    content_type: str
    #: Of the file's name, without the dot.
    extension: str
    muxer: str
    codec: Literal["aac", "flac", "libmp3lame", "libopus", "pcm_s16le"]
    sample_rate_hz: int = SAMPLE_RATE_HZ
    #: Bits a second; None where the codec loses nothing.
    bit_rate: int | None = None
    #: The length is a multiple of so many samples of a segment.
    whole_samples: int = 1
    labels: Literal["none", "title", "chapters"] = "title"
    muxer_options: Mapping[str, str] = field(default_factory=dict[str, str])
    codec_options: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Samples of a frame, where each frame can be decoded by itself; 0 where they need those before them.
    frame_samples: int = 0


_MP3 = Format(
    "mp3",
    "audio/mpeg",
    "mp3",
    muxer="mp3",
    codec="libmp3lame",
    bit_rate=64_000,
    labels="chapters",
    # Version 3 of ID3 is the one that players read. Level 7 takes half the time of LAME's default, which is for music.
    # Without a reservoir no frame borrows room from those before it. At this rate speech is no worse for it: the noise
    # of the codec is the same to a tenth of a decibel.
    muxer_options={"id3v2_version": "3"},
    codec_options={"compression_level": "7", "reservoir": "0"},
    frame_samples=576,
)

# No labels, and not the writer's name either (bitexact): the plain header of 44 bytes that every reader understands.
_WAV = Format(
    "wav",
    "audio/wav",
    "wav",
    muxer="wav",
    codec="pcm_s16le",
    labels="none",
    muxer_options={"fflags": "+bitexact"},
)

# Opus runs at 48 kHz whatever goes in.
_OGG = Format("ogg", "audio/ogg", "ogg", muxer="ogg", codec="libopus", sample_rate_hz=48_000, bit_rate=48_000)

_FLAC = Format("flac", "audio/flac", "flac", muxer="flac", codec="flac")

_M4A = Format(
    "m4a",
    "audio/mp4",
    "m4a",
    muxer="ipod",
    codec="aac",
    bit_rate=64_000,
    # Decoders do not cut the last frame of AAC to what was in it, so the file ends with a whole frame.
    whole_samples=1024,
    labels="chapters",
    # The index in front, so that a browser plays before it has everything; lengths in samples, not in milliseconds.
    muxer_options={"movflags": "+faststart", "movie_timescale": str(SAMPLE_RATE_HZ)},
)

#: The formats by name.
FORMATS: Final[Mapping[str, Format]] = MappingProxyType({made.name: made for made in (_MP3, _WAV, _OGG, _FLAC, _M4A)})


@dataclass(frozen=True, slots=True)
class Chapter:
    """A mark that a player can jump to."""

    start_ms: int
    end_ms: int
    title: str


@dataclass(frozen=True, slots=True)
class Labels:
    """What the file says about itself, where its format can."""

    title: str | None = None
    speakers: Sequence[str] = ()
    chapters: Sequence[Chapter] = ()


class Encoder(Protocol):
    """Takes a sound in order, in parts of any size."""

    def write(self, samples: Samples) -> None:
        """Encode what comes next."""
        ...

    def finish(self) -> None:
        """It was all: encode what is still held back."""
        ...


class _OneEncoder:
    """An encoder that begins at the beginning and ends at the end."""

    def __init__(self, encode: Callable[[AudioFrame | None], Packets], put: Callable[[Packets], None]) -> None:
        self._encode = encode
        self._put = put
        self._written = 0

    def write(self, samples: Samples) -> None:
        """As every encoder."""
        for block in blocks_of(samples):
            self._put(self._encode(frame_of(block, self._written)))
            self._written += len(block)

    def finish(self) -> None:
        """As every encoder."""
        self._put(self._encode(None))


@contextmanager
def encoding(output: Path, kind: Format, labels: Labels, length: int = 0) -> Generator[Encoder]:
    """An encoder that writes `output`, a file on a disk: its length goes into its head at the end.

    The file is not usable when the body raises. `length`: about how many samples will come; of many, if the format lets
    them, several parts are encoded at once.

    Raises:
        OSError: the disk does not take it.
    """
    with av.open(output, "w", format=kind.muxer, container_options=dict(kind.muxer_options)) as container:
        stream = container.add_stream(
            kind.codec, rate=kind.sample_rate_hz, options=dict(kind.codec_options), layout="mono"
        )
        if kind.bit_rate is not None:
            stream.bit_rate = kind.bit_rate
        _label(container, kind, labels)

        def put(packets: Packets) -> None:
            for packet in packets:
                # LAME may flush a last packet of no duration. With it the muxer forgets how much of the one before is
                # padding, and a decoder finds up to 46 samples too many.
                if packet.duration:
                    packet.stream = stream
                    container.mux(packet)

        if not kind.frame_samples or length < _LONG_SAMPLES:
            encoder = _OneEncoder(stream.encode, put)
            yield encoder
            encoder.finish()
            return
        with ThreadPoolExecutor(_PARTS_AT_ONCE, thread_name_prefix="encode") as threads:
            try:
                encoder = PartsEncoder(
                    partial(_encode_part, stream, kind),
                    put,
                    frame_samples=kind.frame_samples,
                    threads=threads,
                    at_once=_PARTS_AT_ONCE,
                )
                yield encoder
                encoder.finish()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)


def _encode_part(stream: AudioStream, kind: Format, sound: Samples, position: int) -> Packets:
    """All packets of a part of a sound, as an encoder makes them that is set as the stream's."""
    context = CodecContext.create(kind.codec, "w")
    context.format, context.layout, context.sample_rate = stream.format, stream.layout, stream.rate
    context.bit_rate, context.options = stream.bit_rate or 0, dict(kind.codec_options)
    context.time_base = Fraction(1, stream.rate)
    packets = [packet for block in frames_of([sound], position) for packet in context.encode(block)]
    return [*packets, *context.encode(None)]


def _label(container: OutputContainer, kind: Format, labels: Labels) -> None:
    if kind.labels == "none":
        return
    if labels.title:
        container.metadata["title"] = _encodable(labels.title)
    if labels.speakers:
        container.metadata["artist"] = _encodable(", ".join(labels.speakers))
    if kind.labels == "chapters":
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": chapter.start_ms,
                    "end": chapter.end_ms,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": _encodable(chapter.title)},
                }
                for number, chapter in enumerate(_as_many_as_fit(labels.chapters), start=1)
            ]
        )


def _as_many_as_fit(chapters: Sequence[Chapter]) -> list[Chapter]:
    step = math.ceil(len(chapters) / _MAX_CHAPTERS) or 1
    merged = (chapters[at : at + step] for at in range(0, len(chapters), step))
    return [Chapter(few[0].start_ms, few[-1].end_ms, few[0].title) for few in merged]


def _encodable(text: str) -> str:
    # A lone surrogate cannot be written as UTF-8, and NUL ends a text in C.
    return text.replace("\0", " ").encode("utf-8", "replace").decode()
