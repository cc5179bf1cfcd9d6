"""TCP ports of 127.0.0.1."""

import contextlib
import secrets
import socket

from embedded.errors import EmbeddedServerError

#: Where free ports are looked for: below those that systems give to outgoing connections (Linux: from 32768). A client
#: that tries to reach a killed server on one of those can be given that very port, and keep the server from it.
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody has now."""
    while True:
        port = LOWEST_PORT + secrets.randbelow(HIGHEST_PORT - LOWEST_PORT)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def require_free_port(port: int, wanted_by: str) -> None:
    """Raise EmbeddedServerError when somebody listens on the port, before the server fails in words of its own."""
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are still in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EmbeddedServerError(
                f"port {port}, where {wanted_by} should listen, cannot be had: {error.strerror}"
            ) from error


def port_answers(port: int) -> bool:
    """Whether somebody accepts connections on the port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
