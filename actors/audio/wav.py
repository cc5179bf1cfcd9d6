"""What came from a vendor, as an audio file: PCM gets a WAV header, a WAV with made-up sizes its real ones.

Only the container is looked at here; decoding is `actors/audio/segment.py`.
"""

from __future__ import annotations

import struct
from typing import Final

_RIFF: Final = struct.Struct("<4sI4s")
_CHUNK: Final = struct.Struct("<4sI")
_FORMAT: Final = struct.Struct("<HHIIHH")
_PCM: Final = 1
_SAMPLE_BYTES: Final = 2

#: A writer that streams cannot know the length: from here up (and 0) a declared size means "until the end".
_UNKNOWN_SIZE_FROM: Final = 0x7FFF_0000

#: How the other files that vendors send begin: ogg, flac, mp3 with a tag.
_OTHER_AUDIO: Final = (b"OggS", b"fLaC", b"ID3")


class NotAudio(Exception):
    """What came is not audio, has no samples, or ends before it should."""


def wav_of(pcm: bytes, sample_rate_hz: int) -> bytes:
    """`pcm` (16 bit little-endian, mono) as a WAV file. Half a sample at the end is dropped.

    Raises:
        NotAudio: there is not one sample.
    """
    whole = len(pcm) - len(pcm) % _SAMPLE_BYTES
    if not whole:
        raise NotAudio("there are no samples")
    byte_rate = sample_rate_hz * _SAMPLE_BYTES
    layout = _FORMAT.pack(_PCM, 1, sample_rate_hz, byte_rate, _SAMPLE_BYTES, 8 * _SAMPLE_BYTES)
    body = b"WAVE" + _CHUNK.pack(b"fmt ", len(layout)) + layout + _CHUNK.pack(b"data", whole)
    return b"".join((b"RIFF", struct.pack("<I", len(body) + whole), body, pcm[:whole]))


def audio_file(body: bytes) -> bytes:
    """`body` as a file that decodes, with the sizes of a streamed WAV put right.

    Raises:
        NotAudio: it is empty, of no format that we know, or a WAV that ends before its declared length.
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
    offset = _RIFF.size
    while offset + _CHUNK.size <= len(wav):
        name, size = _CHUNK.unpack_from(wav, offset)
        if name == b"fmt " and size >= _FORMAT.size:
            byte_rate = _FORMAT.unpack_from(wav, offset + _CHUNK.size)[3]
        if name == b"data" and byte_rate:
            return size / byte_rate
        offset += _CHUNK.size + size + size % 2
    raise NotAudio("the WAV has no data")


def _with_true_sizes(wav: bytes) -> bytes:
    offset = _RIFF.size
    while offset + _CHUNK.size <= len(wav):
        name, declared = _CHUNK.unpack_from(wav, offset)
        start = offset + _CHUNK.size
        if name == b"data":
            return _with_true_data_size(wav, offset, declared, len(wav) - start)
        offset = start + declared + declared % 2
    raise NotAudio("the WAV has no data")


def _with_true_data_size(wav: bytes, offset: int, declared: int, came: int) -> bytes:
    """The data chunk at `offset` declares `declared` bytes and `came` bytes follow its header."""
    if not came:
        raise NotAudio("the WAV has no samples")
    if 0 < declared <= came:
        return wav
    if 0 < declared < _UNKNOWN_SIZE_FROM:
        raise NotAudio("the WAV ends before its declared length")
    fixed = bytearray(wav)
    _RIFF.pack_into(fixed, 0, b"RIFF", len(wav) - _CHUNK.size, b"WAVE")
    _CHUNK.pack_into(fixed, offset, b"data", came)
    return bytes(fixed)


def _begins_with_mpeg_frame(body: bytes) -> bool:
    """Eleven set bits, then layer III (mp3) or none (AAC in ADTS). UTF-16 text would pass for layer I."""
    return len(body) > 1 and body[0] == 0xFF and body[1] & 0xE0 == 0xE0 and body[1] & 0x06 in (0x00, 0x02)
