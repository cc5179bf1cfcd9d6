"""libav's filters as Python sees them: frames of mono sound go in, frames come out. What for is others' matter."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from fractions import Fraction
from typing import cast

import av.error
from av import AudioFrame
from av.filter import Graph


class FilterChain:
    """Filters in a row, each a name and its arguments, for mono sound of 16 bit at this rate."""

    def __init__(self, sample_rate_hz: int, *filters: tuple[str, str]) -> None:
        self._graph = Graph()
        # One channel gives a second thread nothing to do, and there is a chain for every turn.
        self._graph.threads = 1
        source = self._graph.add_abuffer(
            sample_rate=sample_rate_hz, format="s16", layout="mono", time_base=Fraction(1, sample_rate_hz)
        )
        chained = [self._graph.add(name, arguments) for name, arguments in filters]
        self._graph.link_nodes(source, *chained, self._graph.add("abuffersink")).configure()

    def push(self, frame: AudioFrame | None) -> Generator[AudioFrame]:
        """What comes out once this frame is in; for None, all that was held back."""
        self._graph.push(frame)
        while True:
            try:
                yield cast(AudioFrame, self._graph.pull())
            except (av.error.BlockingIOError, av.error.EOFError):
                return

    def through(self, frames: Iterable[AudioFrame]) -> Generator[AudioFrame]:
        """What comes out for all of these, the last included."""
        for frame in frames:
            yield from self.push(frame)
        yield from self.push(None)
