"""The directories and files of the embedded servers: one holder at a time, and nobody else's to read."""

import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from embedded.errors import EmbeddedServerError

#: What a process that makes files for us is not to give to other accounts.
PRIVATE_UMASK: Final = 0o077


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
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = open_private_file(self.directory / "lock", "a+")
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


def open_private_file(path: Path, mode: str) -> IO[Any]:
    """Open a file of ours; one that is made by this is its owner's alone."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def write_private_file(path: Path, text: str) -> None:
    """Write a file that its owner alone can read; whole or not at all, so that a crash leaves no half of a secret."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open_private_file(draft, "x") as file:
        file.write(text)
    draft.replace(path)


def close_to_others(directory: Path) -> None:
    """Take a directory of ours, and all in it, from other accounts. One that is closed is not looked into."""
    mode = stat.S_IMODE(directory.stat().st_mode)
    if not mode & PRIVATE_UMASK:
        return
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_symlink():
                continue
            if entry.is_dir():
                close_to_others(Path(entry))
            else:
                Path(entry).chmod(stat.S_IMODE(entry.stat().st_mode) & ~PRIVATE_UMASK)
    # Last, so that what was broken off is done again.
    directory.chmod(mode & ~PRIVATE_UMASK)
