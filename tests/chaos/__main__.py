"""The chaos run: `python -m tests.chaos --seed 1 --jobs 1000 --faults 100`.

It starts servers and processes of its own on this machine, puts them under load, injects faults at moments that the
seed chooses, lets the system recover, and compares what the API has promised with what is there. It prints what it
found, and ends with 1 if a promise was broken. The logs are kept then.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from tests.chaos.faults.table import KINDS
from tests.chaos.ground import private_ground
from tests.chaos.run import Order, run


def main() -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same plan of faults")
    parser.add_argument("--jobs", type=int, default=1000, help="at least so many jobs are accepted")
    parser.add_argument("--faults", type=int, default=100, help="so many faults are injected meanwhile")
    parser.add_argument("--people", type=int, default=20, help="so many users submit them")
    parser.add_argument("--kinds", default="", help="only faults whose names contain one of these, separated by commas")
    parser.add_argument("--keep", action="store_true", help="keep the logs, whatever comes")
    arguments = parser.parse_args()
    kinds = [kind for kind in KINDS if any(word in kind.name for word in arguments.kinds.split(","))]
    if not kinds:
        parser.error(f"no kind of fault is called so; there are: {', '.join(kind.name for kind in KINDS)}")
    order = Order(arguments.seed, arguments.jobs, arguments.faults, arguments.people, kinds)

    signal.signal(signal.SIGTERM, _interrupt)
    directory = Path(tempfile.mkdtemp(prefix="readthrough-chaos-"))
    try:
        with private_ground(directory) as ground:
            report = run(ground, directory, order)
    except KeyboardInterrupt:
        shutil.rmtree(directory)
        sys.stdout.write("interrupted: everything was healed and stopped\n")
        return 128 + signal.SIGINT
    sys.stdout.write(f"{report}\n")
    if report.is_good and not arguments.keep:
        shutil.rmtree(directory)
    else:
        sys.stdout.write(f"logs: {directory}\n")
    return 0 if report.is_good else 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
