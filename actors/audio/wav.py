"""WAV files: here, and nowhere else, their heads are written and read.

What came from a vendor becomes a file: PCM gets a header, a WAV with made-up sizes its real ones. Only the container is
looked at; decoding is `actors/audio/segment.py`.
"""

from __future__ import annotations

import struct
import wave
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

#: All the sound that we make is 16 bit.
BYTES_PER_SAMPLE: Final = 2

_RIFF: Final = struct.Struct("<4sI4s")
_CHUNK: Final = struct.Struct("<4sI")
_FORMAT: Final = struct.Struct("<HHIIHH")
_PCM: Final = 1
#: The head of a file with no other chunks than format and data, as `head_of` writes it.
HEAD_BYTES: Final = _RIFF.size + _CHUNK.size + _FORMAT.size + _CHUNK.size

#: A writer that streams cannot know the length: from here up (and 0) a stated size means "until the end".
_UNKNOWN_SIZE_FROM: Final = 0x7FFF_0000

#: No writer puts more before the sound. A file of nothing else would take seconds to walk through.
_MOST_CHUNKS: Final = 256

#: How the other files that vendors send begin: ogg, flac, mp3 with a tag.
_OTHER_AUDIO: Final = (b"OggS", b"fLaC", b"ID3")


class NotAudio(Exception):
    """What came is not audio, has no samples, or ends before it should."""


def wav_of(pcm: bytes, sample_rate_hz: int) -> bytes:
    """`pcm` (16 bit little-endian, mono) as a WAV file. Half a sample at the end is dropped.

    Raises:
        NotAudio: there is not one sample.
    """
    whole = len(pcm) - len(pcm) % BYTES_PER_SAMPLE
    if not whole:
        raise NotAudio("there are no samples")
    return head_of(whole, sample_rate_hz) + pcm[:whole]


def head_of(sound_bytes: int, sample_rate_hz: int) -> bytes:
    """What stands in a WAV file before so many bytes of 16 bit mono sound: `HEAD_BYTES` of it."""
    byte_rate = sample_rate_hz * BYTES_PER_SAMPLE
    layout = _FORMAT.pack(_PCM, 1, sample_rate_hz, byte_rate, BYTES_PER_SAMPLE, 8 * BYTES_PER_SAMPLE)
    riff = _RIFF.pack(b"RIFF", HEAD_BYTES - _CHUNK.size + sound_bytes, b"WAVE")
    return b"".join((riff, _CHUNK.pack(b"fmt ", len(layout)), layout, _CHUNK.pack(b"data", sound_bytes)))


def audio_file(body: bytes) -> bytes:
    """`body` as a file that decodes, with the sizes of a streamed WAV put right.

    Raises:
        NotAudio: it is empty, of no format that we know, or a WAV that ends before its stated length.
    """
    if not body:
        raise NotAudio("the answer was empty")
    if body[:4] == b"RIFF" and body[8:12] == b"WAVE":
        return _with_true_sizes(body)
    if body.startswith(_OTHER_AUDIO) or _begins_with_mpeg_frame(body):
        return body
    raise NotAudio("the answer was not audio")


def duration_s(wav: bytes) -> float:
    """Length of a WAV file that `wav_of` or `audio_file` gave, in seconds.

    Raises:
        NotAudio: it has no format or no data chunk.
    """
    byte_rate = 0
    for chunk in _chunks(wav):
        if chunk.name == b"fmt " and chunk.stated >= _FORMAT.size:
            byte_rate = _FORMAT.unpack_from(wav, chunk.start)[3]
        if chunk.name == b"data" and byte_rate:
            return chunk.stated / byte_rate
    raise NotAudio("the WAV has no data")


def missing_bytes(body: bytes) -> tuple[int, int] | None:
    """(bytes that came, bytes that its head states) of a WAV file that ends too soon; None for any other.

    Raises:
        NotAudio: it is a WAV file without sound.
    """
    if not body.startswith(b"RIFF"):
        return None
    chunk = _data_chunk(body)
    if not chunk.states_length or chunk.came >= chunk.stated:
        return None
    return chunk.came, chunk.stated


def sound_of(body: bytes, sample_rate_hz: int) -> memoryview | None:
    """The samples of a mono WAV file of 16 bit and of this rate; None of a file that has to be decoded."""
    if not body.startswith(b"RIFF") or body[8:12] != b"WAVE":
        return None
    wanted = (_PCM, 1, sample_rate_hz, sample_rate_hz * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 8 * BYTES_PER_SAMPLE)
    is_plain = False
    for chunk in _chunks(body):
        if chunk.name == b"fmt ":
            is_plain = chunk.came >= _FORMAT.size and _FORMAT.unpack_from(body, chunk.start) == wanted
        elif chunk.name == b"data":
            length = min(chunk.stated, chunk.came) if chunk.states_length else chunk.came
            whole = length - length % BYTES_PER_SAMPLE
            return memoryview(body)[chunk.start : chunk.start + whole] if is_plain else None
    return None


@contextmanager
def reading(path: Path, sample_rate_hz: int) -> Generator[wave.Wave_read]:
    """A mono WAV file of 16 bit and of this rate, to be read block by block.

    Raises:
        NotAudio: it is of another shape, or not whole.
    """
    try:
        with wave.open(str(path), "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            if shape != (1, BYTES_PER_SAMPLE, sample_rate_hz):
                raise NotAudio(f"{path.name} is no segment: channels, bytes a sample, and rate are {shape}")
            if path.stat().st_size < HEAD_BYTES + file.getnframes() * BYTES_PER_SAMPLE:
                raise NotAudio(f"{path.name} is not whole")
            yield file
    except (wave.Error, EOFError) as error:
        raise NotAudio(f"{path.name} is no WAV: {error}") from error


class _Chunk(NamedTuple):
    """A chunk of a WAV file: its content is at `start`, `stated` bytes long if its head is right, `came` follow."""

    name: bytes
    start: int
    stated: int
    came: int

    @property
    def states_length(self) -> bool:
        return 0 < self.stated < _UNKNOWN_SIZE_FROM


def _chunks(wav: bytes) -> Generator[_Chunk]:
    """The first chunks, in their order: as many as anybody puts before the sound."""
    offset = _RIFF.size
    for _ in range(_MOST_CHUNKS):
        if offset + _CHUNK.size > len(wav):
            return
        name, stated = _CHUNK.unpack_from(wav, offset)
        start = offset + _CHUNK.size
        yield _Chunk(name, start, stated, len(wav) - start)
        offset = start + stated + stated % 2


def _data_chunk(wav: bytes) -> _Chunk:
    for chunk in _chunks(wav):
        if chunk.name == b"data":
            return chunk
    raise NotAudio("the WAV has no data")


def _with_true_sizes(wav: bytes) -> bytes:
    chunk = _data_chunk(wav)
    if not chunk.came:
        raise NotAudio("the WAV has no samples")
    if 0 < chunk.stated <= chunk.came:
        return wav
    if chunk.states_length:
        raise NotAudio("the WAV ends before its stated length")
    fixed = bytearray(wav)
    _RIFF.pack_into(fixed, 0, b"RIFF", len(wav) - _CHUNK.size, b"WAVE")
    _CHUNK.pack_into(fixed, chunk.start - _CHUNK.size, b"data", chunk.came)
    return bytes(fixed)


def _begins_with_mpeg_frame(body: bytes) -> bool:
    """Eleven set bits, then layer III (mp3) or none (AAC in ADTS). UTF-16 text would pass for layer I."""
    return len(body) > 1 and body[0] == 0xFF and body[1] & 0xE0 == 0xE0 and body[1] & 0x06 in (0x00, 0x02)
