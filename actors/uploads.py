"""Uploads of what was paid for: while the object store is away, the bytes are kept and put again.

And nothing new is paid for, as long as it is known that it could not be stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from storage.audio_store import AudioStore, AudioStoreError, ObjectStoreFull

#: Pause before an object is put again.
_PAUSE_S: Final = 1.0
#: A store that is there, and yet does not take this object, is asked so often.
_REFUSALS: Final = 3

log = structlog.get_logger()


class Uploads:
    """The way of a process's segments into the object store. May be used by many threads."""

    def __init__(self, audio: AudioStore) -> None:
        self._audio = audio
        #: Whether it was away when it was last asked.
        self.is_away = False

    def require_store(self) -> None:
        """Go on to speak only if this returns.

        Raises:
            AudioStoreError: the object store was away, and still is.
        """
        if self.is_away:
            self._audio.check()
            self.is_away = False

    def put(self, key: str, data: bytes, content_type: str, give_up: Callable[[], bool]) -> None:
        """Upload bytes, again and again while the store is away, until it is time to give up.

        Raises:
            AudioStoreError: it takes no object, or not this one, or was away for too long.
        """
        refusals = 0
        while True:
            try:
                self._audio.put(key, data, content_type)
            except ObjectStoreFull:
                raise
            except AudioStoreError as error:
                refusals += self._store_is_there()
                if refusals >= _REFUSALS or give_up():
                    raise
                log.warning("upload_waits_for_storage", key=key, error=str(error))
            else:
                self.is_away = False
                return
            time.sleep(_PAUSE_S)

    def _store_is_there(self) -> bool:
        try:
            self._audio.check()
        except AudioStoreError:
            self.is_away = True
            return False
        self.is_away = False
        return True
