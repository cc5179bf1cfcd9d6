"""Our own processes: the supervisor starts them again when they have ended, as an orchestrator would."""

from __future__ import annotations

import random
import signal
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from tests.chaos import process
from tests.chaos.cluster import Cluster, Member, wait_until
from tests.chaos.faults.kind import NotInjected, frozen
from tests.chaos.process import ACTS, MOMENTS, Act, Failpoint

#: A scheduler takes a job from a worker that is silent for 15 s; one that is frozen for so long has lost its jobs.
_PAST_THE_LEASE_S: Final = (19.0, 23.0)
_A_WHILE_S: Final = (1.0, 8.0)
#: A failpoint that is not reached within this is given up.
_FAILPOINT_S: Final = 15.0


def api_killed(cluster: Cluster, dice: random.Random) -> None:
    """kill -9. Healed: it is started again."""
    _send(signal.SIGKILL, dice.choice(cluster.apis))


def api_stopped(cluster: Cluster, dice: random.Random) -> None:
    """SIGTERM, as at an upgrade. Healed: it is started again."""
    _send(signal.SIGTERM, dice.choice(cluster.apis))


def api_frozen(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP for seconds. Healed: it goes on."""
    _freeze(cluster, dice.choice(cluster.apis), dice.uniform(*_A_WHILE_S))


def api_frozen_in_a_transaction(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP right before a commit: a user's lock stays taken. Healed: it goes on, and commits late."""
    failpoint = Failpoint("commit", "before", dice.randint(1, 4), "freezes")
    _freeze_at(cluster, failpoint, cluster.apis, dice.uniform(*_A_WHILE_S), dice)


def api_dies_at_a_failpoint(cluster: Cluster, dice: random.Random) -> None:
    """kill -9 right before or after a commit or a publish. Healed: it is started again."""
    _fell(cluster.apis, ["commit", "publish"], dice)


def worker_killed(cluster: Cluster, dice: random.Random) -> None:
    """kill -9. Healed: it is started again."""
    _send(signal.SIGKILL, dice.choice(cluster.workers))


def worker_stopped(cluster: Cluster, dice: random.Random) -> None:
    """SIGTERM, as at an upgrade. Healed: it is started again."""
    _send(signal.SIGTERM, dice.choice(cluster.workers))


def worker_frozen(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP for so short a time that its jobs stay its own. Healed: it goes on."""
    _freeze(cluster, dice.choice(cluster.workers), dice.uniform(*_A_WHILE_S))


def worker_frozen_past_its_lease(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP until it is taken for dead. Healed: it goes on, and finds that its jobs have failed."""
    _freeze(cluster, dice.choice(cluster.workers), dice.uniform(*_PAST_THE_LEASE_S))


def worker_frozen_in_a_transaction(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP right before a commit, until it is taken for dead: its locks stay. Healed: it goes on."""
    failpoint = Failpoint("commit", "before", dice.randint(1, 4), "freezes")
    _freeze_at(cluster, failpoint, cluster.workers, dice.uniform(*_PAST_THE_LEASE_S), dice)


def worker_frozen_in_a_put(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP around a put, until it is taken for dead. Healed: it goes on, and the object comes late."""
    failpoint = Failpoint("put", dice.choice(MOMENTS), 1, "freezes")
    _freeze_at(cluster, failpoint, cluster.workers, dice.uniform(*_PAST_THE_LEASE_S), dice)


def worker_dies_at_a_failpoint(cluster: Cluster, dice: random.Random) -> None:
    """kill -9 right before or after a commit, a publish, a put or an ack. Healed: it is started again."""
    _fell(cluster.workers, ACTS, dice)


def another_worker_dies_at_a_failpoint(cluster: Cluster, dice: random.Random) -> None:
    """The same, while a worker is struck already. Healed: it is started again."""
    _fell(cluster.workers, ACTS, dice)


def scheduler_killed(cluster: Cluster, dice: random.Random) -> None:
    """kill -9. Healed: it is started again."""
    _send(signal.SIGKILL, dice.choice(cluster.schedulers))


def scheduler_stopped(cluster: Cluster, dice: random.Random) -> None:
    """SIGTERM, as at an upgrade. Healed: it is started again."""
    _send(signal.SIGTERM, dice.choice(cluster.schedulers))


def scheduler_frozen(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP for seconds. Healed: it goes on."""
    _freeze(cluster, dice.choice(cluster.schedulers), dice.uniform(*_A_WHILE_S))


def scheduler_frozen_in_a_transaction(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP right before a commit: rows stay locked. Healed: it goes on, and commits late."""
    failpoint = Failpoint("commit", "before", dice.randint(1, 4), "freezes")
    _freeze_at(cluster, failpoint, cluster.schedulers, dice.uniform(*_A_WHILE_S), dice)


def scheduler_dies_at_a_failpoint(cluster: Cluster, dice: random.Random) -> None:
    """kill -9 right before or after a commit. Healed: it is started again."""
    _fell(cluster.schedulers, ["commit"], dice)


def _send(number: signal.Signals, member: Member) -> None:
    if not member.send(number):
        raise NotInjected


def _freeze(cluster: Cluster, member: Member, seconds: float) -> None:
    pid = member.pid
    if pid is None:
        raise NotInjected
    with frozen(pid):
        cluster.let_pass(seconds)


def _fell(members: Sequence[Member], acts: Sequence[Act], dice: random.Random) -> None:
    failpoint = Failpoint(dice.choice(acts), dice.choice(MOMENTS), dice.randint(1, 4))
    with _reached(failpoint, dice.choice(members)):
        pass


def _freeze_at(
    cluster: Cluster, failpoint: Failpoint, members: Sequence[Member], seconds: float, dice: random.Random
) -> None:
    member = dice.choice(members)
    try:
        with _reached(failpoint, member):
            cluster.let_pass(seconds)
    finally:
        member.send(signal.SIGCONT)


@contextmanager
def _reached(failpoint: Failpoint, member: Member) -> Generator[None]:
    """Give an order, and go on when it was obeyed. Raises NotInjected where that takes too long."""
    process.withdraw(member.orders)
    failpoint.order(member.orders)
    try:
        wait_until(lambda: process.was_obeyed(member.orders), _FAILPOINT_S, "the failpoint was reached")
        yield
    except TimeoutError:
        raise NotInjected from None
    finally:
        process.withdraw(member.orders)
