"""The HTTP server of a process: uvicorn around the app, on a socket that is taken before anything else is started."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from litestar import Litestar

from service.http.connections import BoundedConnection, most_connections
from storage.process import on_stop_signals, settle
from storage.settings import SettingsError

#: Connections that wait to be accepted.
_BACKLOG = 2048
#: Requests in hand may take so long after a stop was asked for, in seconds.
_GRACE_PERIOD_S = 10


@contextmanager
def listening(host: str, port: int) -> Generator[socket.socket]:
    """A socket on this address, from the very beginning, so that a taken port is told at once and in clear words.

    Raises:
        SettingsError: the address cannot be had.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        taken = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
        # asyncio sets this only on sockets that name their protocol, which this one does not. Without it an answer
        # waits 40 ms between its head and its body, for the client's delayed acknowledgement. Connections inherit it.
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with HOST and PORT"
        ) from error
    with taken:
        yield taken


class _Server(uvicorn.Server):
    """uvicorn that ends quietly: by itself it raises the signal again that has stopped it, after it has stopped."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take the signals that ask for a stop, where Python lets us: in the main thread."""
        if threading.current_thread() is threading.main_thread():
            on_stop_signals(self.handle_exit)
        # Not before: it takes a while, and a signal meanwhile would be the end, and no stop.
        settle()
        yield


class ApiServer:
    """Serves the app until it is told to stop, by a signal or by `stop`."""

    def __init__(self, app: Litestar, where: socket.socket) -> None:
        self._socket = where
        self._server = _Server(
            uvicorn.Config(
                app,
                http=BoundedConnection,
                loop="uvloop",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_PERIOD_S,
            )
        )

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host, port = self._socket.getsockname()[:2]
        if host in {"0.0.0.0", "::"}:  # noqa: S104 # recognised, not listened on
            host = "localhost"
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def serve(self) -> None:
        """Answer requests; return when it was told to stop and the requests in hand are answered."""
        BoundedConnection.max_connections = most_connections()
        if threading.current_thread() is threading.main_thread():
            # Until uvicorn takes them: an exception out of a handler breaks a loop that is just being made.
            on_stop_signals(lambda _number, _frame: self.stop())
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Tell it to stop. May be called from any thread."""
        self._server.should_exit = True
