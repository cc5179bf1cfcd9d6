"""`python -m tests.listen.speed`: a dialogue of sixty lines, spoken four at a time as a job speaks them; what it takes.

The real-time factor and the clock are this machine's as it is now, with whatever else runs on it. The processor's
time for a second of speech is the child's alone.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from actors.audio.wav import duration_s
from actors.providers.kokoro.provider import Kokoro
from actors.providers.provider import Line
from tests.listen.sentences import SENTENCES
from tests.standins.settings import settings_of

#: As many turns of a job are spoken at a time, by default.
TURNS_AT_ONCE = 4
PATIENCE_S = 3_600.0
LOOK_S = 0.05


@dataclass
class Seen:
    """What was seen of the children, while one looked: all of them, the most at once, their memory at its highest."""

    pids: set[int] = field(default_factory=set[int])
    most_at_once: int = 0
    memory_bytes: int = 0
    work_s: float = 0.0

    def look(self) -> None:
        """Look once. A child that is gone by now is not seen."""
        children = psutil.Process().children()
        self.pids |= {child.pid for child in children}
        self.most_at_once = max(self.most_at_once, len(children))
        for child in children:
            self.memory_bytes = max(self.memory_bytes, _highest_memory_bytes(child.pid))
            self.work_s = sum(child.cpu_times()[:2])


def main() -> int:
    """Speak the dialogue once for each number of threads, and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.listen.speed", description=__doc__)
    parser.add_argument("--threads", nargs="*", default=["1", "2"], help="of kokoro, one run each")
    parser.add_argument("--lines", type=int, default=60)
    arguments = parser.parse_args()
    lines = dialogue(arguments.lines)
    sys.stdout.write(f"{len(lines)} lines, {os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory(prefix="readthrough-speed-") as directory:
        for threads in arguments.threads:
            sys.stdout.write(f"{threads} threads: {_spoken(lines, threads, Path(directory))}\n")
            sys.stdout.flush()
    return 0


def dialogue(count: int) -> Sequence[Line]:
    """Three speakers in turn: a sentence of Mandarin, one of English, two of Mandarin."""
    chinese, english = SENTENCES["zh-TW"], SENTENCES["en-US"]
    return [
        (
            Line(chinese[place % 20], "man-deep", "zh-TW"),
            Line(english[place % 20], "woman-warm", "zh-TW"),
            Line(chinese[place % 20] + chinese[(place + 7) % 20], "woman-bright", "zh-TW"),
        )[place % 3]
        for place in range(count)
    ]


def _spoken(lines: Sequence[Line], threads: str, directory: Path) -> str:
    settings = settings_of({"DATA_DIR": str(directory), "KOKORO_THREADS": threads})
    with closing(Kokoro(settings)) as kokoro, _watched() as seen, ThreadPoolExecutor(TURNS_AT_ONCE) as turns:
        begun = time.perf_counter()
        for language in SENTENCES:  # its dictionaries are loaded with its first sentence
            kokoro.speak(Line(SENTENCES[language][0], "man-deep", language), PATIENCE_S)
        loaded_s = time.perf_counter() - begun
        seen.look()
        work_before_s, begun = seen.work_s, time.perf_counter()
        spoken_s = sum(turns.map(lambda line: duration_s(kokoro.speak(line, PATIENCE_S)), lines))
        took_s = time.perf_counter() - begun
        seen.look()
    return (
        f"{spoken_s:.1f} s of speech in {took_s:.1f} s (and {loaded_s:.1f} s to load): real-time factor "
        f"{took_s / spoken_s:.2f}, processor {(seen.work_s - work_before_s) / spoken_s:.2f} s a second, "
        f"memory {seen.memory_bytes / 1e6:.0f} MB at most, {len(seen.pids)} child in all, {seen.most_at_once} at once"
    )


@contextmanager
def _watched() -> Iterator[Seen]:
    """Looks again and again while the block runs."""
    seen, done = Seen(), threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_S):
            try:
                seen.look()
            except psutil.NoSuchProcess:  # it ended while we looked
                continue

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        done.set()
        watching.join()


def _highest_memory_bytes(pid: int) -> int:
    """The most memory that a process has ever held."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except FileNotFoundError:
        return 0
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    sys.exit(main())
