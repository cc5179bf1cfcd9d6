"""A connection, as uvicorn keeps it, with an end to everything that a client may leave open.

uvicorn closes a connection that is idle between two requests. It waits for ever for the rest of a request's head, for
the rest of its body, and for a client that does not read its answer; and it takes as many connections as come.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Final
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

#: From the first byte of a request, or from the connection, to the end of its head.
HEAD_TIMEOUT_S: Final = 10.0
#: From the end of a request's head to the end of its body.
BODY_TIMEOUT_S: Final = 30.0
#: A client that takes nothing of its answer for so long is gone.
STALLED_READER_S: Final = 60.0
#: A request's head, in bytes: its address and its headers.
MAX_HEAD_BYTES: Final = 64 * 1024
#: Connections at a time, where the system allows that many open files.
MAX_CONNECTIONS: Final = 4000
#: Files that are no connections of clients: databases, object stores, pipes, logs.
_OTHER_FILES: Final = 256

_HEAD_TOO_LARGE: Final = b"HTTP/1.1 431 \r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def most_connections() -> int:
    """How many connections this process may keep: it asks the system for as many open files as it may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _OTHER_FILES
    open_files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < open_files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, hard))
    return max(open_files - _OTHER_FILES, open_files // 2)


class BoundedConnection(HttpToolsProtocol):
    """One client's connection. Beyond the most connections, the one that has waited longest for a head makes room."""

    #: The connections of each server that wait for a request or for the rest of its head, the longest first.
    _waiting: Final[WeakKeyDictionary[ServerState, dict[BoundedConnection, None]]] = WeakKeyDictionary()
    max_connections: int = MAX_CONNECTIONS

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._reads_head = True
        self._head_bytes = 0
        #: Ends a request that does not come whole.
        self._request_timer: asyncio.TimerHandle | None = None
        #: Ends an answer that is not taken.
        self._answer_timer: asyncio.TimerHandle | None = None
        self._waiters = self._waiting.setdefault(self.server_state, {})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self._waiters[self] = None
        self._time_request(HEAD_TIMEOUT_S)
        if len(self.connections) > self.max_connections:
            longest = next(iter(self._waiters))
            del self._waiters[longest]
            longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._waiters.pop(self, None)
        self._time_request(None)
        self._time_answer(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        if self._reads_head:
            self._head_bytes += len(data)
            if self._request_timer is None:  # the first of another request: uvicorn has timed the pause before it
                self._time_request(HEAD_TIMEOUT_S)
        super().data_received(data)
        if self._reads_head and self._head_bytes > MAX_HEAD_BYTES:
            self.transport.write(_HEAD_TOO_LARGE)
            self._give_up()

    def on_headers_complete(self) -> None:
        """The head is whole: the request begins, its body may follow."""
        self._waiters.pop(self, None)
        self._reads_head = False
        self._time_request(BODY_TIMEOUT_S)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._reads_head = True
        self._head_bytes = 0
        self._time_request(None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is sent."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._waiters[self] = None

    def pause_writing(self) -> None:
        """The client takes less than it is sent."""
        super().pause_writing()
        self._time_answer(STALLED_READER_S)

    def resume_writing(self) -> None:
        """The client takes what it is sent."""
        self._time_answer(None)
        super().resume_writing()

    def _time_request(self, seconds: float | None) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
        self._request_timer = None if seconds is None else self.loop.call_later(seconds, self._give_up)

    def _time_answer(self, seconds: float | None) -> None:
        if self._answer_timer is not None:
            self._answer_timer.cancel()
        self._answer_timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def _give_up(self) -> None:
        self._time_request(None)
        if not self.transport.is_closing():
            self.transport.close()
