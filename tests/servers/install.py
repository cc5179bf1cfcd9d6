"""Installs what the tests need of the system and this machine has not: `python -m tests.servers.install`.

`make install-dev` calls it, and so `make test`, before anything else. Where everything is here it does nothing; where
it may not install it says in one line what to install, and ends with code 1. Standard library only.
"""

from __future__ import annotations

import signal
import sys

from tests.servers import apt
from tests.servers.needs import how_to_get, missing


def main() -> int:
    """The command: 0 when everything that is needed is here."""
    reason = ""
    if missing() and apt.may_install():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler)
        try:
            _install_what_is_missing()
        except (apt.InstallError, OSError) as error:
            reason = f". Installing it here failed: {error}"
        except KeyboardInterrupt:
            return 130
    if lacking := [need for need in missing() if not need.has_substitute()]:
        sys.stderr.write(f"{how_to_get(lacking)}{reason}\n")
        return 1
    return 0


def _install_what_is_missing() -> None:
    with apt.one_at_a_time(apt.LOCK, lambda: _say("Another install is under way: waiting for it ...")) as lock:
        # That other may have installed what we need.
        if needs := missing():
            _say(f"Installing {', '.join(need.name for need in needs)} with apt-get ...")
            with apt.services_stay_off(apt.SERVICE_POLICY, apt.LOCK):
                apt.install([need.package for need in needs], lock, apt.PATIENCE)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
