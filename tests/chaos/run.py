"""The run: load and faults side by side, then quiet, then the verdict. What it found is a `Report`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.key_store import KeyStore
from storage.settings import RuleSettings
from tests.chaos import audit, verdict, waits
from tests.chaos.cluster import FULL_CAST, Cast, Cluster, running
from tests.chaos.faults.injector import Injector, heal
from tests.chaos.faults.kind import Kind
from tests.chaos.faults.table import KINDS
from tests.chaos.ground import Ground
from tests.chaos.load import Log, Pace, User, at_work
from tests.chaos.verdict import Sampler, Violations

#: How long an active job may still take when all is well again: its deadline of 60 s, and what finds it late.
_DRAIN_S: Final = 90.0
#: Events that tell how much our processes had to cope with.
_TELLING: Final = ("lease_lost", "nothing_to_do", "provider_retry", "job_given_up", "broker_unavailable")
#: Two screens a person: they race for the same three slots.
_SCREENS: Final = 2


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a run. `people`: users who submit, each at two screens. `limit_s` bounds load and faults."""

    seed: int = 1
    jobs: int = 1000
    faults: int = 100
    people: int = 20
    kinds: Sequence[Kind] = KINDS
    limit_s: float = 900


@dataclass(frozen=True, slots=True)
class Report:
    """What a run has found."""

    order: Order
    took_s: float
    accepted: int
    answers: Counter[str]
    injected: Counter[str]
    #: Of each kind of fault that struck: the longest that a fresh job waited to be begun meanwhile, in seconds.
    longest_waits: Mapping[str, float]
    ends: Counter[str]
    ends_of_processes: Counter[str]
    events: Counter[str]
    longest_life_s: float
    heard: int
    objects: int
    samples: int
    moves: int
    violations: Violations
    broken: Sequence[str]

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept, and the run did what it was asked to."""
        return not self.violations.count and not self.broken and self.accepted >= self.order.jobs

    def __str__(self) -> str:
        lines = [
            f"seed {self.order.seed}: {self.accepted} jobs accepted, {self.injected.total()} faults of "
            f"{len(self.injected)} kinds, {self.took_s:.0f} s",
            "faults, and the longest that a fresh job waited meanwhile with a healthy worker beside it:",
            *(
                f"  {self.injected[name]:3} {name:40} {wait_s:6.1f} s"
                for name, wait_s in sorted(self.longest_waits.items(), key=lambda item: -item[1])
            ),
            "answers:     " + _listed(self.answers),
            "processes:   " + _listed(self.ends_of_processes),
            "ends:        " + _listed(self.ends) + f"; the longest life was {self.longest_life_s:.0f} s",
            "noted:       " + _listed(Counter({event: self.events[event] for event in _TELLING})),
            f"looked at:   {self.heard} downloads decoded, {self.objects} objects listed, {self.moves} moves audited, "
            f"{self.samples} samples of active jobs",
            "violations:  " + ", ".join(f"{len(found)} {name}" for name, found in self.violations),
        ]
        for name, found in self.violations:
            lines += [f"  {name}: {one}" for one in found[:10]]
        lines += [f"  the run itself: {one}" for one in self.broken]
        return "\n".join(lines)


def run(ground: Ground, directory: Path, order: Order, cast: Cast = FULL_CAST) -> Report:
    """One run on this ground, with the logs of its processes in this directory."""
    begun_at = time.monotonic()
    log, violations = Log(), Violations()
    pace = Pace(order.jobs, order.faults, log)
    cluster = Cluster(ground, directory, cast)
    sampler = Sampler(ground.database_url, RuleSettings().max_active_jobs)
    injector = Injector(cluster, pace, order.seed, order.faults, order.kinds)
    broken: list[str] = []
    with ground.stores() as stores, running(cluster):
        users = _users(stores.keys, cluster, order, log, pace)
        with sampler.at_work():
            try:
                with at_work(users, pace):
                    injector.run(give_up_at=begun_at + order.limit_s)
                    pace.wait_for_jobs(give_up_at=begun_at + order.limit_s)
            except TimeoutError as error:
                broken.append(str(error))
            heal(cluster)
            verdict.drain(stores.engine, _DRAIN_S)

        ends = verdict.ends_of(stores)
        explained = {fault.kind.explains for fault in injector.struck if fault.kind.explains}
        verdict.judge_jobs(log.accepted, ends, violations, explained)
        verdict.judge_turns(log.accepted, stores, violations, robbed=cluster.jobs_with("segments_missing"))
        heard = verdict.judge_audio(cluster, log.accepted, ends, violations)
        objects = verdict.judge_objects(stores, ends, violations, cluster.lost_keys)
        moves = audit.count_moves(stores.engine)
        verdict.judge_retention(stores, violations)
        waited = waits.waits_of(stores.engine)
        violations.long_waits += waits.too_long(waited, injector.struck)
        events = cluster.events()
        verdict.judge_processes(events, violations)
        violations.fourth_jobs += sampler.found
        violations.wrong_answers += log.wrong
    return Report(
        order=order,
        took_s=time.monotonic() - begun_at,
        accepted=len(log.accepted),
        answers=log.answers,
        injected=Counter(fault.kind.name for fault in injector.struck),
        longest_waits=waits.longest_waits(waited, injector.struck),
        ends=verdict.count_ends(ends),
        ends_of_processes=sum(
            (Counter({f"{m.name} {how}": n for how, n in m.ends.items()}) for m in cluster.members), Counter[str]()
        ),
        events=events,
        longest_life_s=max((row.lived.total_seconds() for row in ends.values() if row.lived), default=0),
        heard=heard,
        objects=objects,
        samples=sampler.samples,
        moves=moves,
        violations=violations,
        broken=[*broken, *injector.broken, *injector.missing],
    )


def _users(keys: KeyStore, cluster: Cluster, order: Order, log: Log, pace: Pace) -> Sequence[User]:
    return [
        User(f"{person}-{screen}", key, f"{order.seed}/{person}/{screen}", cluster.urls, log, pace)
        for person in range(order.people)
        for key in [keys.create(f"person-{person}")]
        for screen in range(_SCREENS)
    ]


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "none"
