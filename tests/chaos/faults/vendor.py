"""The vendor: it is somebody else's, and may answer anything."""

from __future__ import annotations

import random
import signal
from collections.abc import Mapping
from typing import Any, Final

from tests.chaos.cluster import Cluster, wait_until
from tests.chaos.faults.kind import NotInjected, frozen
from tests.standins.misbehaviour import Misbehaviour

#: So long it may take until as many calls have come as were to be answered badly.
_PATIENCE_S: Final = 20.0
#: How many calls are; and how many of those that take their time, which a worker waits for.
_SOME: Final = (5, 20)
_FEW: Final = (1, 3)
#: What a vendor says at length.
_LONG_STORY: Final = "a-" * 32_768


def vendor_killed(cluster: Cluster, dice: random.Random) -> None:
    """kill -9. Healed: it is started again."""
    cluster.vendor.send(signal.SIGKILL)
    wait_until(cluster.tell_vendor, 30, "the vendor answers again")


def vendor_frozen(cluster: Cluster, dice: random.Random) -> None:
    """SIGSTOP for seconds: it accepts, and does not answer. Healed: it goes on."""
    if cluster.vendor.pid is None:
        raise NotInjected
    with frozen(cluster.vendor.pid):
        cluster.let_pass(dice.uniform(2, 8))


def vendor_stalls(cluster: Cluster, dice: random.Random) -> None:
    """It takes the calls and answers none for seconds. Healed: it answers all."""
    _tell(cluster, stall={})
    try:
        cluster.let_pass(dice.uniform(2, 8))
    finally:
        _tell(cluster, release={})


def vendor_unavailable(cluster: Cluster, dice: random.Random) -> None:
    """503 to the next calls. Healed: they are answered again."""
    _answer(cluster, dice, 503)


def vendor_limits(cluster: Cluster, dice: random.Random) -> None:
    """429 to the next calls, and to come again in a second. Healed: they are answered again."""
    _answer(cluster, dice, 429, headers={"Retry-After": "1"})


def vendor_asks_for_an_hour(cluster: Cluster, dice: random.Random) -> None:
    """429 to the next calls, and to come again in an hour. Healed: they are answered again."""
    _answer(cluster, dice, 429, headers={"Retry-After": "3600"})


def vendor_fails_at_length(cluster: Cluster, dice: random.Random) -> None:
    """500 and 64 kB of words to the next calls. Healed: they are answered again."""
    _answer(cluster, dice, 500, _LONG_STORY)


def vendor_refuses_at_length(cluster: Cluster, dice: random.Random) -> None:
    """400 and 64 kB of words to the next calls: their jobs fail for good. Healed: they are answered again."""
    _answer(cluster, dice, 400, _LONG_STORY)


def vendor_sends_nothing(cluster: Cluster, dice: random.Random) -> None:
    """200 and no byte. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "empty")


def vendor_sends_garbage(cluster: Cluster, dice: random.Random) -> None:
    """200 and a page of HTML. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "garbage")


def vendor_breaks_off(cluster: Cluster, dice: random.Random) -> None:
    """Half of the audio, and the connection ends. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "cut")


def vendor_sends_half_a_wav(cluster: Cluster, dice: random.Random) -> None:
    """A WAV that is shorter than it says. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "short_wav")


def vendor_trickles(cluster: Cluster, dice: random.Random) -> None:
    """The audio comes byte by byte, for minutes. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "trickle", _FEW)


def vendor_never_ends(cluster: Cluster, dice: random.Random) -> None:
    """20 MB of audio a second, without end. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "endless")


def vendor_never_begins(cluster: Cluster, dice: random.Random) -> None:
    """Interim answers (103) without end, and no final one. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "interim", _FEW)


def vendor_sends_a_megabyte_of_headers(cluster: Cluster, dice: random.Random) -> None:
    """One header of 1 MB before the audio. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "large_headers")


def vendor_sends_a_bomb(cluster: Cluster, dice: random.Random) -> None:
    """Some hundred bytes, packed twice, that are 64 MB. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "bomb")


def vendor_sends_a_slow_wav(cluster: Cluster, dice: random.Random) -> None:
    """A WAV that says 10 samples a second. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "wrong_rate")


def vendor_sends_a_slow_flac(cluster: Cluster, dice: random.Random) -> None:
    """A FLAC that says 10 samples a second, and so lasts for hours. Healed: the calls after these are answered well."""
    _spoil(cluster, dice, "slow_flac")


def _answer(
    cluster: Cluster,
    dice: random.Random,
    status: int,
    words: str = "chaos",
    headers: Mapping[str, str] | None = None,
) -> None:
    times = dice.randint(*_SOME)
    fail = {"times": times, "status": status, "body": words, "headers": headers or {}}
    _until_spent(cluster, times, fail=fail)


def _spoil(cluster: Cluster, dice: random.Random, how: Misbehaviour, times: tuple[int, int] = _SOME) -> None:
    calls = dice.randint(*times)
    _until_spent(cluster, calls, misbehave={"how": how, "times": calls})


def _until_spent(cluster: Cluster, times: int, **orders: Mapping[str, Any]) -> None:
    """Have so many calls answered badly, and wait until they were; what is left after a while is forgotten."""
    _tell(cluster, **orders)
    left = times
    try:
        for _ in range(round(_PATIENCE_S / 0.25)):
            left = cluster.ask_vendor()
            if not left or cluster.let_pass(0.25):
                break
    finally:
        _tell(cluster, reset={})
    if left == times:
        raise NotInjected


def _tell(cluster: Cluster, **orders: Mapping[str, Any]) -> None:
    if not cluster.tell_vendor(**orders):
        raise NotInjected
