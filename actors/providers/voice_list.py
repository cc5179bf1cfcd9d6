"""A vendor's list of voices, asked for once an hour and kept in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from actors.providers.provider import ProviderError, Voice

#: Vendors add voices a few times a year.
KEPT_S: Final = 3600.0


class VoiceList:
    """The list of one vendor. Shared by threads: one asks, the others wait for what it hears."""

    def __init__(self, fetch: Callable[[float], Sequence[Voice]]) -> None:
        """`fetch` asks the vendor, within the seconds that it is given, or raises ProviderError."""
        self._fetch = fetch
        self._asking = threading.Lock()
        self._voices: Sequence[Voice] = ()
        self._stale_at = 0.0

    @property
    def known(self) -> Sequence[Voice]:
        """What the vendor said when it was last asked; empty when it never was."""
        return self._voices

    def get(self, timeout_s: float) -> Sequence[Voice]:
        """The voices, at most an hour old, within `timeout_s` seconds.

        Raises:
            ProviderError: the vendor's list could not be had.
        """
        deadline = time.monotonic() + timeout_s
        if not self._asking.acquire(timeout=timeout_s):
            raise ProviderError("the list of voices did not come in time", permanent=False)
        try:
            if time.monotonic() >= self._stale_at:
                self._voices = self._fetch(max(0.001, deadline - time.monotonic()))
                self._stale_at = time.monotonic() + KEPT_S
            return self._voices
        finally:
            self._asking.release()
