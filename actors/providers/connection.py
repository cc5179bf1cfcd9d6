"""One connection to a vendor: a request goes out, an answer comes back bounded in size, and any thread may cut it.

httpx bounds each read, but not their sum: a vendor that sends a byte now and then, or headers without end, would hold a
thread and a socket for as long as it likes. Here the socket is known, and shutting it down wakes whoever reads.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Any, Final

import httpx

#: A vendor that cannot be connected to by then is not there.
CONNECT_S: Final = 10.0
#: More of a refusal than anybody reads.
MAX_REFUSAL_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What a vendor is asked. Of a good answer at most `max_bytes` are taken."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes
    max_bytes: int
    timeout_s: float
    ends_at: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends_at", time.monotonic() + self.timeout_s)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor answered, of whatever status. The body of a refusal may be cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the vendor did what it was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class BadAnswer(Exception):
    """A good status with a body that nobody asked for. The message says what, after the vendor's name."""


class Connection:
    """Serves one request at a time. It has one socket, kept from request to request while the vendor keeps it."""

    def __init__(self) -> None:
        self._client = httpx.Client(
            # Azure refuses a request without a User-Agent. Speech hardly shrinks, and what is not packed cannot burst.
            headers={"User-Agent": "readthrough", "Accept-Encoding": "identity"},
            # A vendor has nothing to remember us by, and no more of our memory to fill.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            verify=_certificates(),
            timeout=CONNECT_S,  # the net under a call that says nothing; every one here says its own
            follow_redirects=False,
        )
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    @property
    def is_cut(self) -> bool:
        """Whether it has been cut: it is of no more use."""
        return self._is_cut

    def exchange(self, request: Request) -> Answer:
        """The vendor's answer, whole, whatever its status.

        Raises:
            BadAnswer: it is packed, or longer than it may be.
            TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError, UnicodeError: it did not come.
        """
        timeout = httpx.Timeout(request.timeout_s, connect=min(CONNECT_S, request.timeout_s))
        asked = self._client.stream(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.content,
            timeout=timeout,
            extensions={"trace": self._watch(request)},
        )
        with asked as response:
            return Answer(response.status_code, response.headers, _body_of(response, request))

    def cut(self) -> None:
        """End what is under way. Whoever is in `exchange` finds out at once; the socket stays theirs to close, for a
        number that was closed here could be another's when they read from it."""
        with self._lock:
            self._is_cut = True
            self._hang_up()

    def close(self) -> None:
        """Let go of the socket. For whoever is in no `exchange`."""
        self._client.close()

    def _hang_up(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it was gone already
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _watch(self, request: Request) -> Any:
        """What httpcore calls at each step (https://www.encode.io/httpcore/extensions/#trace)."""

        def at(step: str, details: Mapping[str, Any]) -> None:
            if step.endswith((".connect_tcp.complete", ".start_tls.complete")):
                with self._lock:
                    self._socket = details["return_value"].get_extra_info("socket")
                    if self._is_cut:
                        self._hang_up()
            # Nobody waits any more: what was asked now would be billed and thrown away.
            if step == "http11.send_request_headers.started" and (self._is_cut or time.monotonic() > request.ends_at):
                raise TimeoutError

        return at


def _body_of(response: httpx.Response, request: Request) -> bytes:
    """What came, as it came: it is never unpacked."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        if response.is_success:
            raise BadAnswer("sent its answer packed, which it was not asked to")
        return b""
    max_bytes = request.max_bytes if response.is_success else MAX_REFUSAL_BYTES
    body = io.BytesIO()
    for piece in response.iter_raw():
        body.write(piece)
        if time.monotonic() > request.ends_at:
            raise TimeoutError
        if body.tell() > max_bytes:
            if response.is_success:
                raise BadAnswer(f"sent more than the {max_bytes:,} bytes that its answer can have")
            break
    return body.getvalue()[:max_bytes]


@cache
def _certificates() -> SSLContext:
    """The CA bundle, loaded once: loading is slow."""
    return httpx.create_ssl_context()
