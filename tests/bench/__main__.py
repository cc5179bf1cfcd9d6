"""`make bench`: all figures, printed and written into `docs/performance.md`, each beside a peer or a limit.

Absolute figures are those of one machine on one day. What counts are the ratios: both sides were measured in turn.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.bench import sound, submit, work
from tests.bench.ground import bench_ground, busy_s, our_cpu_s
from tests.bench.picture import bars

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "performance.md"
PICTURE: Final = DOCUMENT.with_name("performance.svg")
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1500, help="submits of each system in each round")
    parser.add_argument("--jobs", type=int, default=200, help="jobs of one turn at once")
    parser.add_argument("--segments", type=int, default=571, help="of six seconds: an hour")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    given = parser.parse_args()
    began, busy = time.perf_counter(), busy_s()
    with tempfile.TemporaryDirectory(prefix="readthrough-bench-") as name:
        directory = Path(name)
        _say("joining ...")
        joined = sound.measure(directory, given.segments)
        with bench_ground(directory) as ground:
            _say("submitting ...")
            submitted = submit.measure(ground, given.rounds, given.requests)
            ours = our_cpu_s()
        with bench_ground(directory / "work") as ground:
            _say("working ...")
            worked = work.measure(ground, given.jobs, idle_jobs=20)
            ours += our_cpu_s()
    took = time.perf_counter() - began
    foreign = max(0.0, (busy_s() - busy - ours) / took)
    report = "\n\n".join(
        [
            f"Measured on {datetime.now(UTC):%Y-%m-%d} in {took / 60:.0f} minutes on {os.cpu_count()} processors, of "
            f"which others had {foreign:.1f} meanwhile.",
            _table(
                ["submit", "most a second", "we / it", "CPU a request", "we / it", f"p50 / p99 at {submit.RATE:.0f}/s"],
                submit.lines(submitted),
            ),
            _table(["a job of one turn", "here"], work.lines(worked)),
            _table(["join to mp3", "here", "of the encoder alone", ""], sound.lines(joined, given.segments)),
        ]
    )
    _say(report)
    if given.write:
        text = DOCUMENT.read_text()
        before, after = text.partition(BEGIN)[0], text.partition(END)[2]
        picture = f"![Submits a second, beside others]({PICTURE.name})"
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{picture}\n\n{report}\n\n{END}{after}")
        PICTURE.write_text(bars({name: system.rates for name, system in submitted.items()}, "submits a second"))
    return 0


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
