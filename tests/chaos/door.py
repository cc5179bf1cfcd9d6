"""The door before the object store: an HTTP proxy that lets everything through, until it is told to behave badly.

What it makes up is what S3 servers answer; what it lets through is the object store's own, down to its silence.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import urlsplit

#: How long a slow answer takes, in seconds.
SLOW_S: Final = 5.0
#: Headers that are for one connection alone, or that the door has seen to itself.
_OF_THE_CONNECTION: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "expect"})


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for. `path` is without the query: bucket and key."""

    method: str
    path: str

    @property
    def writes(self) -> bool:
        """Whether it brings bytes."""
        return self.method in {"PUT", "POST"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What it gets."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


#: What the door does with a request instead of letting it through: its own answer, or None to let it through after all.
Misdeed = Callable[[Request], Answer | None]


class Door:
    """A proxy before an S3 server on this machine, which signs and reads as if there were none: `with Door(port)`."""

    def __init__(self, port_behind: int) -> None:
        self.port_behind = port_behind
        self.closing = threading.Event()
        #: What to do with a request.
        self.misdeed: Misdeed = _let_through
        #: Whether answers end in the middle.
        self.cuts = False
        self._server = _Server(("127.0.0.1", 0), self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="door", daemon=True)
        self._thread.start()

    @contextmanager
    def doing(self, misdeed: Misdeed) -> Generator[None]:
        """Behave so for as long as the block runs."""
        self.misdeed = misdeed
        try:
            yield
        finally:
            self.misdeed = _let_through

    @contextmanager
    def cutting(self) -> Generator[None]:
        """Break off every answer with a body in its middle, for as long as the block runs."""
        self.cuts = True
        try:
            yield
        finally:
            self.cuts = False

    def close(self) -> None:
        """Take no more requests. Those that wait for the store behind are left to it."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def refusing(code: str, message: str, status: int, *, when: Callable[[Request], bool]) -> Misdeed:
    """Refuse some requests as S3 does: with an error's code in XML."""
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    answer = Answer(status, body.encode(), {"Content-Type": "application/xml"})
    return lambda request: answer if when(request) else None


def full() -> Misdeed:
    """There is no room: what MinIO answers to whoever brings something."""
    message = "Storage backend has reached its minimum free drive threshold."
    return refusing("XMinioStorageFull", message, 507, when=lambda request: request.writes)


def busy() -> Misdeed:
    """Too many requests: S3 asks to come again later."""
    return refusing("SlowDown", "Please reduce your request rate.", 503, when=lambda _request: True)


def refusing_one_key() -> Misdeed:
    """The first key that is asked for is refused, now and again, whatever is to be done with it."""
    first: list[str] = []
    lock = threading.Lock()

    def is_the_one(request: Request) -> bool:
        with lock:
            if not first and request.path.count("/") > 1:
                first.append(request.path)
            return [request.path] == first

    return refusing("AccessDenied", "Access Denied.", 403, when=is_the_one)


def refusing_deletes() -> Misdeed:
    """Nothing may be deleted, as under an object lock."""
    return refusing("AccessDenied", "Access Denied.", 403, when=lambda request: request.method == "DELETE")


def slow(door: Door) -> Misdeed:
    """Every answer comes `SLOW_S` late."""

    def wait(_request: Request) -> None:
        door.closing.wait(SLOW_S)

    return wait


def _let_through(_request: Request) -> None:
    return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], door: Door) -> None:
        self.door = door
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up whenever it likes, and so may the store behind."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:
        """The store behind has a log."""

    def _handle(self) -> None:
        assert isinstance(self.server, _Server)
        door = self.server.door
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = door.misdeed(Request(self.command, urlsplit(self.path).path))
        try:
            self._send(answer or self._ask_behind(door, body), cuts=door.cuts)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # the store behind hung up, or the client did: so do we

    def _ask_behind(self, door: Door, body: bytes) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", door.port_behind)
        try:
            # The client's own Host header goes on, for it is signed.
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _OF_THE_CONNECTION:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            headers = {n: v for n, v in answer.getheaders() if n.lower() not in _OF_THE_CONNECTION}
            return Answer(answer.status, answer.read(), headers)
        finally:
            connection.close()

    def _send(self, answer: Answer, *, cuts: bool) -> None:
        self.send_response_only(answer.status)
        stated = {name.lower() for name in answer.headers}
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "content-length" not in stated:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if cuts and answer.body:
            self.close_connection = True
            self.wfile.write(answer.body[: len(answer.body) // 2])
        elif self.command != "HEAD":
            self.wfile.write(answer.body)
