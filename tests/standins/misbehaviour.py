"""How an answer of 200 may be bad, and what is sent then."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

from tests.standins import tone

#: How a 200 may be bad: no bytes, none of audio, a body shorter than its Content-Length, a WAV shorter than its header
#: says, one whose header says 0xFFFFFFFF (which is right for a stream), bare samples, a byte now and then from the
#: first of the body or even of the headers, a body without end, interim answers without end, a megabyte of headers, a
#: body that was packed twice and unpacks to `BOMB_BYTES`, a WAV that says 10 samples a second, a FLAC of a few hundred
#: bytes that says so and would be 157 million of ours.
Misbehaviour = Literal[
    "empty",
    "garbage",
    "cut",
    "short_wav",
    "unknown_sizes",
    "pcm",
    "trickle",
    "trickle_headers",
    "endless",
    "interim",
    "large_headers",
    "bomb",
    "wrong_rate",
    "slow_flac",
]

BOMB_BYTES: Final = 64 * 1024 * 1024


#: The headers of an answer that is bad in this way.
ODD_HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "pcm": {"Content-Type": "audio/pcm"},
    "slow_flac": {"Content-Type": "audio/flac"},
    "bomb": {"Content-Encoding": "gzip, gzip"},
    "large_headers": {"X-Large": "x" * 1_000_000},
}


@cache
def _bomb() -> bytes:
    """A few hundred bytes."""
    packer = zlib.compressobj(9, wbits=31)
    megabyte = bytes(1024 * 1024)
    packed = b"".join(packer.compress(megabyte) for _ in range(BOMB_BYTES // len(megabyte)))
    return gzip.compress(packed + packer.flush())


def spoilt(body: bytes, misbehaviour: Misbehaviour | None) -> bytes:
    """The body of an answer that is to be bad in this way."""
    match misbehaviour:
        case "empty":
            return b""
        case "garbage":
            return b"<html>It works!</html>"
        case "short_wav":
            return body[: len(body) // 2]
        case "unknown_sizes":
            return tone.with_unknown_sizes(body)
        case "pcm":
            return body[44:]
        case "bomb":
            return _bomb()
        case "wrong_rate":
            return tone.with_rate(body, 10)
        case "slow_flac":
            return tone.flac(10)
        case _:
            return body
