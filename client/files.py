"""Where audio is saved: whole or not at all."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO, Final

#: The endings of the formats that the server makes.
FORMATS: Final = ("mp3", "wav", "ogg", "flac", "m4a")


def format_of(path: Path | str | None) -> str:
    """The format that a path's ending names; mp3 where it names none."""
    ending = "" if path is None else Path(path).suffix.removeprefix(".").lower()
    return ending if ending in FORMATS else "mp3"


class Draft:
    """A file that takes its place when all of it is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.part")

    def __enter__(self) -> IO[bytes]:
        self._file = self._draft.open("wb")
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            self._draft.replace(self._path)
        else:
            self._draft.unlink(missing_ok=True)
