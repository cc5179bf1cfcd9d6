"""Clients that ask as fast as they are answered, in a process of their own: `python -m tests.load.flood`.

Plain sockets and no parsing beyond what tells where an answer ends: on one machine they share the processor with
whom they flood.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from urllib.parse import urlsplit


def main() -> int:
    """The command: prints how many answers of each status there were."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.flood", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--key", required=True)
    parser.add_argument("--connections", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    counts = asyncio.run(flood(given.url, given.key, given.connections, given.seconds))
    sys.stdout.write(" ".join(f"{status}:{count}" for status, count in sorted(counts.items())) + "\n")
    return 0


async def flood(url: str, key: str, connections: int, seconds: float) -> Counter[int]:
    """How many answers of each status came; 0 counts connections that broke off."""
    counts = Counter[int]()
    ends_at = time.monotonic() + seconds
    await asyncio.gather(*(_ask_until(ends_at, url, key, counts) for _ in range(connections)))
    return counts


async def _ask_until(ends_at: float, url: str, key: str, counts: Counter[int]) -> None:
    parts = urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    while time.monotonic() < ends_at:
        try:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            while time.monotonic() < ends_at:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                counts[int(head[9:12])] += 1
            writer.close()
        except (OSError, EOFError):
            counts[0] += 1
            await asyncio.sleep(0.1)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise ValueError("an answer without a length")


if __name__ == "__main__":
    sys.exit(main())
