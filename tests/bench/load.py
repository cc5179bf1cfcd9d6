"""Clients that submit, in a process of their own: `python -m tests.bench.load URL --keys FILE`.

Plain sockets and no parsing beyond what tells where an answer ends: they share the machine with whom they measure.
Prints one line of JSON: how many answers of each status, the seconds, and the latencies in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--keys", type=Path, help="a file of keys, one a line; each request takes the next one")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rate", type=float, help="requests a second, each at its time; without: as many as can be")
    given = parser.parse_args()
    keys = given.keys.read_text().split() if given.keys else [""]
    load = Load(given.url, given.body.read_bytes(), cycle(keys), given.requests, given.rate)
    asyncio.run(load.run(given.connections))
    sys.stdout.write(json.dumps(load.report()) + "\n")
    return 0


@dataclass
class Load:
    """So many requests to one address."""

    url: str
    body: bytes
    keys: Iterator[str]
    requests: int
    rate: float | None
    begun_at: float = 0.0
    seconds: float = 0.0
    number: int = 0
    statuses: Counter[int] = field(default_factory=Counter[int])
    latencies_ms: list[float] = field(default_factory=list[float])

    async def run(self, connections: int) -> None:
        """Send them all, over so many connections."""
        self.begun_at = time.perf_counter()
        await asyncio.gather(*(self._work() for _ in range(connections)))
        self.seconds = time.perf_counter() - self.begun_at

    def report(self) -> dict[str, object]:
        """What came of it."""
        return {"statuses": self.statuses, "seconds": self.seconds, "latencies_ms": sorted(self.latencies_ms)}

    async def _work(self) -> None:
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while self.number < self.requests:
            self.number += 1
            due = time.perf_counter()
            if self.rate is not None:
                due = self.begun_at + self.number / self.rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(self._request(parts.path, parts.netloc))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
            # From when it was due: whoever answers late is late for those behind, too.
            self.latencies_ms.append((time.perf_counter() - due) * 1000)
            self.statuses[int(head[9:12])] += 1
        writer.close()

    def _request(self, path: str, host: str) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer {next(self.keys)}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        return head.encode() + self.body


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise ValueError("an answer without a length")


if __name__ == "__main__":
    sys.exit(main())
