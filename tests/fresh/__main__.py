"""Tries the README on a new machine: `python3 -m tests.fresh [demo] [quickstart] [test]`, all three by default.

A bare Debian 12 is made in a temporary folder and given what the README names; the committed HEAD is cloned into it;
then `make demo`, README's quickstart beside `make run`, and `make test` run there. How long each took is told at the
end. The folder, and every process that was started, is gone afterwards. As root only.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from tests.fresh.machine import HOME, BareMachine, CannotBeMade, Failed, require_means, temporary_folder
from tests.readme import ROOT

CHECKOUT: Final = HOME / "readthrough"

#: What can be tried, in this order: the line of shell, and how long it may take, in seconds. This machine and the new
#: one share their ports: the demo must not find somebody else's server on its own.
STEPS: Final[Mapping[str, tuple[str, float]]] = {
    "demo": ("PORT=20080 make demo && test -s demo.mp3", 1800),
    "quickstart": ("python3 -m tests.fresh.quickstart", 1800),
    "test": ("make test TESTS='{tests}'", 5400),
}


def main(names: Sequence[str]) -> int:
    """The command: 0 when everything that was asked for holds."""
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        sys.stderr.write(f"make fresh: there is no step {unknown[0]}; there are {', '.join(STEPS)}\n")
        return 2
    try:
        require_means()
    except CannotBeMade as error:
        sys.stderr.write(f"make fresh: {error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return _try_on_a_new_machine([name for name in STEPS if name in names or not names])
    except KeyboardInterrupt:
        return 130


def packages_named(readme: str) -> Sequence[str]:
    """What the README says that a bare Debian must be given first."""
    found = re.search(r"On a bare Debian.*?`apt-get install ([^`]+)`", readme, re.DOTALL)
    if found is None:
        raise ValueError("the README names no packages")
    return found[1].split()


def _try_on_a_new_machine(steps: Sequence[str]) -> int:
    times: dict[str, float] = {}
    failures: list[str] = []

    def timed(name: str, work: Callable[[], None]) -> bool:
        began = time.monotonic()
        _say(f"==> {name}")
        try:
            work()
        except Failed as failure:
            failures.append(f"{name}: {failure}")
        times[name] = time.monotonic() - began
        return not failures

    if subprocess.check_output(["git", "status", "--porcelain"], cwd=ROOT):
        _say("make fresh: what is not committed here is not tried")
    packages = packages_named((ROOT / "README.md").read_text())
    with temporary_folder() as folder:
        machine = BareMachine(folder)
        if (
            timed("a bare Debian 12", machine.make)
            and timed(
                f"what the README names: {' '.join(packages)}",
                lambda: machine.run(f"apt-get -q update && apt-get -q -y install {' '.join(packages)}", timeout_s=1200),
            )
            and timed("the checkout", lambda: _clone(machine))
        ):
            for step in steps:
                line, timeout_s = STEPS[step]
                line = line.format(tests=os.environ.get("TESTS", ""))
                timed(step, partial(machine.run, line, folder=CHECKOUT, timeout_s=timeout_s))
    _say("\n".join(["", *(f"{took_s:7.1f} s  {name}" for name, took_s in times.items()), *failures]))
    return 1 if failures else 0


def _clone(machine: BareMachine) -> None:
    bundle = machine.root / "tmp/readthrough.bundle"
    subprocess.run(["git", "bundle", "create", "--quiet", str(bundle), "HEAD"], cwd=ROOT, check=True)
    machine.run(f"git -c advice.detachedHead=false clone --quiet /tmp/{bundle.name} {CHECKOUT.name}", timeout_s=60)


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
