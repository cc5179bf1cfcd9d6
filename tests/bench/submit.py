"""Submits: how many a second, how long one takes at a steady rate, and what each costs; beside peers."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from embedded.ports import free_port
from tests.bench.ground import Ground, cpu_s, percentile

#: A dialogue of one turn.
BODY: Final = {
    "provider": "openai",
    "turns": [{"speaker": "A", "text": "hello there", "index": 0}],
    "voice_assignments": [{"speaker": "A", "voice_id": "alloy"}],
}
PEERS: Final = {
    "bare Litestar handler": "bare",
    "FastAPI + Celery": "celery_api",
    "FastAPI + procrastinate": "procrastinate_api",
}
OURS: Final = "readthrough"
#: Requests a second of the steady load.
RATE: Final = 100.0


@dataclass
class Measured:
    """One system: where it is, and the figures of each round."""

    url: str
    pid: int
    body: Any
    rates: list[float] = field(default_factory=list[float])
    cpu_ms: list[float] = field(default_factory=list[float])
    p50_ms: list[float] = field(default_factory=list[float])
    p99_ms: list[float] = field(default_factory=list[float])


def measure(ground: Ground, rounds: int, requests: int) -> dict[str, Measured]:
    """Rounds in which everybody has their turn; the first of each warms up and is not counted."""
    systems = dict(_systems(ground))
    for number in range(rounds + 1):
        for system in systems.values():
            ground.clear()
            before = cpu_s(system.pid)
            fast = _load(ground, system, requests=requests)
            cost = cpu_s(system.pid) - before
            steady = _load(ground, system, requests=requests // 2, rate=RATE)["latencies_ms"]
            if number:
                system.rates.append(requests / fast["seconds"])
                system.cpu_ms.append(cost / requests * 1000)
                system.p50_ms.append(percentile(steady, 0.5))
                system.p99_ms.append(percentile(steady, 0.99))
    return systems


def lines(systems: dict[str, Measured]) -> Iterator[Sequence[str]]:
    """A row of the table a system."""
    ours = systems[OURS]
    for name, system in systems.items():
        rate, cost = statistics.median(system.rates), statistics.median(system.cpu_ms)
        yield (
            name,
            f"{rate:.0f}/s",
            f"{statistics.median(ours.rates) / rate:.2f}",
            f"{cost:.2f} ms",
            f"{statistics.median(ours.cpu_ms) / cost:.2f}",
            f"{statistics.median(system.p50_ms):.1f} / {statistics.median(system.p99_ms):.1f} ms",
        )


def _systems(ground: Ground) -> Iterator[tuple[str, Measured]]:
    api = ground.readthrough("api")
    yield OURS, Measured(f"{api.wait_for('api_started')['url']}/api/v1/jobs", api.pid, BODY)
    for name, module in PEERS.items():
        port = free_port()
        peer = ground.peer(module, port)
        yield name, Measured(f"http://127.0.0.1:{port}/jobs", peer.pid, BODY)


def _load(ground: Ground, system: Measured, *, requests: int, rate: float | None = None) -> Any:
    report = ground.load(system.url, system.body, requests=requests, rate=rate)
    if set(report["statuses"]) != {"201"}:
        raise RuntimeError(f"{system.url} answered {report['statuses']}")
    return report
