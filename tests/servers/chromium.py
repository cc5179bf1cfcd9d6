"""The browser of the tests: the Chromium that this machine has, or gets."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers.rabbitmq import can_install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

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
    """The path of a Chromium: $CHROMIUM, the one of this machine, or on Debian and Ubuntu, for root, one installed now.

    Raises:
        FileNotFoundError: there is none, and none can be had.
    """
    given = os.environ.get("CHROMIUM")
    if given:
        if not Path(given).is_file():
            raise FileNotFoundError(f"CHROMIUM={given}: there is no such file")
        return given
    found = _on_this_machine()
    if found is None and can_install():
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"], check=True)
        found = _on_this_machine()
    if found is None:
        raise FileNotFoundError(
            "there is no Chromium: install it (`apt-get install chromium`, `brew install --cask chromium`), "
            "or set CHROMIUM to the path of one"
        )
    return found


def _on_this_machine() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name)) is not None), None)
