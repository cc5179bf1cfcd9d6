"""README's quickstart, pasted beside `make run`, as on a reader's machine: `python3 -m tests.fresh.quickstart`.

Standard library only; what `make run` has installed tells whether the file that was saved is audio.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.readme import ADDRESS, ROOT, paste, quickstart

#: `make run` may have to install everything first.
STARTS_WITHIN_S: Final = 900.0
STOPS_WITHIN_S: Final = 60.0

#: Below those that systems give to outgoing connections.
PORTS: Final = range(20_000, 32_000)

#: What plays it, reads it: its length in seconds.
LENGTH: Final = "import av, sys; print(sum(f.samples / f.sample_rate for f in av.open(sys.argv[1]).decode(audio=0)))"


def main() -> int:
    """The command: 0 when the lines have left a file that can be played."""
    with tempfile.TemporaryDirectory() as name, make_run() as address:
        shown = paste(
            quickstart((ROOT / "README.md").read_text()).replace(ADDRESS, address),
            Path(name),
            os.environ,
            in_brackets=True,
        )
        sys.stdout.write(shown)
        (saved,) = Path(name).glob("readthrough-*.mp3")
        length = subprocess.run(
            [ROOT / ".venv/bin/python", "-c", LENGTH, saved], capture_output=True, text=True, check=True
        )
        sys.stdout.write(f"\n{saved.name}: {float(length.stdout):.1f} s of audio\n")
    return 0


@contextmanager
def make_run() -> Generator[str]:
    """`make run` in a terminal of its own until a Ctrl-C there; gives its address."""
    port = random.choice([port for port in random.sample(PORTS, 20) if _is_free(port)])  # noqa: S311
    process = subprocess.Popen(["make", "run"], cwd=ROOT, env={**os.environ, "PORT": str(port)}, start_new_session=True)
    try:
        give_up_at = time.monotonic() + STARTS_WITHIN_S
        while not _is_ready(port):
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise SystemExit("`make run` did not start")
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise SystemExit(f"`make run` did not end within {STOPS_WITHIN_S:.0f} s after a Ctrl-C") from None


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) != 0


def _is_ready(port: int) -> bool:
    try:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        asked.request("GET", "/health/ready")
        return asked.getresponse().status == 200
    except (http.client.HTTPException, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
