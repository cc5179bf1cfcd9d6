"""What a script would cost and how long it would be, found out as synthesis finds out what is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from actors.directions import Pause
from actors.lexicon import Say
from actors.lines import characters_of, digest_of, lines_in, parts_of, segment_digest
from actors.providers.provider import Line, Provider
from actors.speech_rates import estimated_ms
from storage.jobs import Script

#: Of some addresses, those whose segments are there.
Stored = Callable[[Sequence[bytes]], Collection[bytes]]


@dataclass(frozen=True, slots=True)
class Quote:
    """`total` characters are said, of which `billed` are new. `duration_ms`: of the audio, as an estimate."""

    total: int
    billed: int
    duration_ms: int

    @property
    def cached(self) -> int:
        """What is there already, or is said twice."""
        return self.total - self.billed


def quote(script: Script, provider: Provider, say: Say, stored: Stored) -> Quote:
    """What a job would cost that were spoken now, with nothing else under way for its user."""
    turns = [parts_of(script, turn, provider, say) for turn in script.turns]
    once = {digest_of(provider, parts): parts for parts in turns}
    lines = {segment_digest(provider, line): line for parts in once.values() for line in lines_in(parts)}
    there = stored([*once.keys() | lines.keys()])
    spoken = {
        segment_digest(provider, line)
        for digest, parts in once.items()
        if digest not in there
        for line in lines_in(parts)
    }
    return Quote(
        total=sum(map(characters_of, turns)),
        billed=sum(len(lines[digest].text) for digest in spoken - set(there)),
        duration_ms=_duration_ms(script, provider, turns),
    )


def _duration_ms(script: Script, provider: Provider, turns: Sequence[Sequence[Line | Pause]]) -> int:
    lengths_ms = [sum(_lengths_ms(provider, parts)) for parts in turns]
    if script.gap_ms:
        return sum(lengths_ms) + script.gap_ms * (len(turns) - 1)
    return sum(lengths_ms) - sum(min(script.crossfade_ms, min(pair) // 2) for pair in pairwise(lengths_ms))


def _lengths_ms(provider: Provider, parts: Sequence[Line | Pause]) -> Iterator[int]:
    for part in parts:
        yield part.ms if isinstance(part, Pause) else estimated_ms(provider.name, part)
