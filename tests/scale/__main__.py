"""`python -m tests.scale`: a million jobs and a million segments, then how long lists and sweeps take over them."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from sqlalchemy import Engine, event

from scheduler import retention, sweeps
from storage.stores import Stores
from tests.scale.ground import GREAT_USER, SMALL_USER, Size, ground


class Statements:
    """The longest statement that any engine of this process has run since `reset`, in milliseconds."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self.longest = ""
        self.count = 0
        event.listen(Engine, "before_cursor_execute", self._begin)
        event.listen(Engine, "after_cursor_execute", self._end)

    def reset(self) -> None:
        """Forget what was."""
        self.longest_ms, self.longest, self.count = 0.0, "", 0

    def _begin(self, connection: Any, _cursor: Any, _text: str, _values: Any, _context: Any, _many: bool) -> None:
        connection.info["begun_at"] = time.perf_counter()

    def _end(self, connection: Any, _cursor: Any, text: str, _values: Any, _context: Any, _many: bool) -> None:
        took_ms = (time.perf_counter() - connection.info["begun_at"]) * 1000
        self.count += 1
        if took_ms > self.longest_ms:
            self.longest_ms, self.longest = took_ms, " ".join(text.split())[:120]


def main() -> int:
    """Fill, measure, print a line a figure, and all of it as JSON at the end."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--expired", type=int, default=100_000)
    parser.add_argument("--unused", type=int, default=400_000)
    parser.add_argument("--at-most-s", type=float, default=60, help="give a sweep up after so long")
    given = parser.parse_args()
    size = Size(given.jobs, given.expired, given.segments, given.unused)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="readthrough-scale-") as name, ground(Path(name), size) as stores:
        _say(f"filled in {time.perf_counter() - begun:.0f} s: {size}")
        figures = _measure(stores, given.at_most_s)
    _say(json.dumps(figures))
    return 0


def _measure(stores: Stores, at_most_s: float) -> dict[str, Any]:
    statements = Statements()
    figures: dict[str, Any] = {}
    for number in range(2):  # the first round warms the caches
        for who, user in (("small", SMALL_USER), ("great", GREAT_USER)):
            figures[f"list_{who}_ms"] = _quantiles(lambda user=user: _list(stores, user))
            if number:
                _say(f"list of the {who} user, p50 and p99: {figures[f'list_{who}_ms']} ms")
    memory_before = psutil.Process().memory_info().rss
    for name, sweep in (
        ("expire_jobs", lambda: retention.expire_jobs(stores)),
        ("expire_segments", lambda: retention.expire_segments(stores)),
        ("orphan", lambda: sweeps.orphan(stores)),
        ("time_out", lambda: sweeps.time_out(stores)),
        ("collect_abandoned_audio", lambda: retention.collect_abandoned_audio(stores)),
    ):
        statements.reset()
        count, took_s = _until_nothing_is_left(sweep, at_most_s)
        figures[name] = {
            "count": count,
            "seconds": round(took_s, 2),
            "a_second": round(count / took_s),
            "longest_statement_ms": round(statements.longest_ms, 1),
            "longest_statement": statements.longest,
        }
        _say(f"{name}: {figures[name]}")
    grown = psutil.Process().memory_info().rss - memory_before
    figures["memory_grown_mb"] = round(grown / 1e6, 1)
    _say(f"memory grown: {figures['memory_grown_mb']} MB")
    return figures


def _list(stores: Stores, user: UUID) -> None:
    stores.lists.page(user, limit=20)


def _quantiles(call: Callable[[], None], times: int = 300) -> tuple[float, float]:
    took_ms: list[float] = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        took_ms.append((time.perf_counter() - begun) * 1000)
    return round(statistics.median(took_ms), 2), round(statistics.quantiles(took_ms, n=100)[98], 2)


def _until_nothing_is_left(sweep: Callable[[], int], at_most_s: float) -> tuple[int, float]:
    begun, total = time.perf_counter(), 0
    while time.perf_counter() - begun < at_most_s and (count := sweep()):
        total += count
    return total, time.perf_counter() - begun


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
