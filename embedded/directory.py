"""The directories and files of the embedded servers: one holder at a time, and nobody else's to read."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from embedded.errors import EmbeddedServerError


class DirectoryLock:
    """One running process a directory: the operating system lets go of it however the holder ends."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Make the directory and hold it; raises EmbeddedServerError when another holds it or it cannot be written."""
        if self._file is not None:
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            file = (self.directory / "lock").open("a+")
        except OSError as error:
            raise EmbeddedServerError(f"cannot write to {self.directory}: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise EmbeddedServerError(
                f"{self.directory} is in use by process {holder or '?'}: stop it, or choose another DATA_DIR"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    @property
    def is_held(self) -> bool:
        """Whether a process, which may be this one, holds it at this moment."""
        try:
            file = (self.directory / "lock").open()
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def release(self) -> None:
        """Let go. Does nothing when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def write_private_file(path: Path, text: str) -> None:
    """Write a file that its owner alone can read; whole or not at all, so that a crash leaves no half of a secret."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text)
    draft.replace(path)
