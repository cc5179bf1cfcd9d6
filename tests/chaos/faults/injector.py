"""When the kinds of fault strike: the plan that a seed makes of them, and the injector that follows it.

The same seed makes the same plan. What is in hand at the moment of a fault is up to the threads of a dozen processes.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tests.chaos.cluster import Cluster, wait_until
from tests.chaos.faults.kind import Kind, NotInjected
from tests.chaos.load import Pace

#: So many faults may be going on at the same time, each to another part.
_AT_ONCE: Final = 3
#: A kind that found nothing to strike is tried again so often.
_TRIES: Final = 6


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that has struck, from when to when, by the clock of this machine (`time.time`)."""

    kind: Kind
    begun_at: float
    healed_at: float


def plan(seed: int, kinds: Sequence[Kind]) -> Generator[tuple[Kind, random.Random]]:
    """Faults without end: all kinds in a random order, again and again, each fault with dice of its own."""
    dice = random.Random(seed)  # noqa: S311 # it must come out the same again
    while True:
        for kind in dice.sample(kinds, len(kinds)):
            yield kind, random.Random(dice.random())  # noqa: S311 # as above


class Injector:
    """Strikes as planned, in step with the load, until there were as many faults as were asked for.

    Where that is enough for every kind, each strikes once at least.
    """

    def __init__(self, cluster: Cluster, pace: Pace, seed: int, faults: int, kinds: Sequence[Kind]) -> None:
        self._cluster = cluster
        self._pace = pace
        self._plan = plan(seed, kinds)
        self._faults = faults
        self._kinds = kinds
        self._parts = {kind.part: threading.Lock() for kind in kinds}
        self._counting = threading.Lock()
        self._tries: Counter[str] = Counter()
        self._struck: list[Fault] = []
        #: Defects of the injector itself, which would make the run say too much.
        self.broken: list[str] = []

    @property
    def struck(self) -> Sequence[Fault]:
        """The faults so far."""
        with self._counting:
            return list(self._struck)

    @property
    def missing(self) -> Sequence[str]:
        """What was to be tried and was not, where there were faults enough for all kinds."""
        struck = {fault.kind for fault in self.struck}
        missing = [kind for kind in self._kinds if kind not in struck and self._faults >= len(self._kinds)]
        return [f"{kind.name} never struck, after {self._tries[kind.name]} tries" for kind in missing]

    def run(self, give_up_at: float) -> None:
        """Strike until there were enough faults. Whoever interrupts this waits for the healing alone.

        Raises:
            TimeoutError: there were not enough at `give_up_at`, by the monotonic clock.
        """
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fault") as pool:
            try:
                self._strike_as_planned(pool, give_up_at)
            except BaseException:
                self._cluster.hurry()
                raise

    def _strike_as_planned(self, pool: ThreadPoolExecutor, give_up_at: float) -> None:
        room = threading.Semaphore(_AT_ONCE)
        while wanted := self._wanted():
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"only {len(self.struck)} of {self._faults} faults in time")
            if not self._pace.is_time_for_a_fault() or not room.acquire(timeout=0.1):
                time.sleep(0.05)
                continue
            kind, dice = next((kind, dice) for kind, dice in self._plan if kind in wanted)
            self._tries[kind.name] += 1
            self._pace.fault_begun()
            pool.submit(self._strike, kind, dice, room)
            time.sleep(dice.uniform(0, 1))

    def _wanted(self) -> Sequence[Kind]:
        """The kinds that may still strike: all of them, until there were enough faults; then those that never did."""
        struck = {fault.kind for fault in self.struck}
        if len(self.struck) < self._faults:
            return self._kinds
        if self._faults < len(self._kinds):
            return ()
        return [kind for kind in self._kinds if kind not in struck and self._tries[kind.name] < _TRIES]

    def _strike(self, kind: Kind, dice: random.Random, room: threading.Semaphore) -> None:
        try:
            with self._parts[kind.part]:
                begun_at = time.time()
                kind.strike(self._cluster, dice)
                healed_at = time.time()
        except NotInjected:
            return
        except Exception as error:  # noqa: BLE001 # whatever it is, the run must say so and go on to its end
            self.broken.append(f"{kind.name}: {error!r}")
        else:
            self._write_down(Fault(kind, begun_at, healed_at))
        finally:
            room.release()

    def _write_down(self, fault: Fault) -> None:
        """Also for whoever reads the logs, which have the same clock."""
        with self._counting:
            self._struck.append(fault)
            with (self._cluster.directory / "faults.log").open("a") as log:
                begun_at, healed_at = (
                    datetime.fromtimestamp(at, UTC).isoformat() for at in (fault.begun_at, fault.healed_at)
                )
                log.write(f"{begun_at} {healed_at} {fault.kind.name}\n")


def heal(cluster: Cluster) -> None:
    """No more faults: every server runs, nobody is frozen, the vendor behaves."""
    cluster.ground.start()
    for member in cluster.members:
        # A failpoint may have been reached just when it was given up.
        member.send(signal.SIGCONT)
    wait_until(lambda: cluster.tell_vendor(reset={}), 30, "the vendor answers")
