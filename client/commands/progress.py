"""How far a job is: a bar where a person looks, a line a step elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Final, Self, TextIO

from client.nouns import Job, Progress

_WIDTH: Final = 24
#: The longest of the stages' names, and what it overwrites.
_STAGE_WIDTH: Final = 12


class ProgressBar:
    """Shows a job's progress on a stream as often as it changes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._on_terminal = self._stream.isatty()
        self._shown: Progress | None = None

    def show(self, job: Job) -> None:
        """What is to be seen of a job."""
        progress = job.progress
        if progress is None or progress == self._shown:
            return
        if self._shown is None:
            self._stream.write(f"Job {job.id}\n")
        self._shown = progress
        counted = f"{progress.turns_done}/{progress.turns_total} turns, {progress.stage:<{_STAGE_WIDTH}}"
        if self._on_terminal:
            self._stream.write(f"\r{_bar(progress)} {counted}")
        else:
            self._stream.write(f"{counted.rstrip()}\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on_terminal and self._shown is not None:
            self._stream.write("\n")


def _bar(progress: Progress) -> str:
    filled = round(_WIDTH * progress.turns_done / max(progress.turns_total, 1))
    return "█" * filled + "░" * (_WIDTH - filled)
