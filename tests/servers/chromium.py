"""The browser of the tests: the Chromium that this machine has. Nothing is installed here: see `install.py`."""

from __future__ import annotations

import os
from pathlib import Path

from tests.servers.needs import CHROMIUM, chromium_program, how_to_get

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
]


def find_chromium() -> str:
    """The path of a Chromium: $CHROMIUM, or the one of this machine.

    Raises:
        FileNotFoundError: there is none; the message says what to install.
    """
    given = os.environ.get("CHROMIUM")
    if given:
        if not Path(given).is_file():
            raise FileNotFoundError(f"CHROMIUM={given}: there is no such file")
        return given
    found = chromium_program()
    if found is None:
        raise FileNotFoundError(how_to_get([CHROMIUM]))
    return found
