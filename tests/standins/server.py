"""A stand-in: an HTTP server on this machine that answers as a vendor would, or as badly as it is told to.

What the vendors' protocols are is in the files beside this one. Here is what they share: the threads, the record of
calls, and the faults, each of them a method that a test calls, or another process over `POST /_control`.
"""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from tests.standins.misbehaviour import ODD_HEADERS, Misbehaviour, spoilt

#: What a call asks for. Faults are for speech unless they say otherwise.
Asks = Literal["speech", "voices"]


@dataclass
class Call:
    """One request as it arrived. `at` is on the monotonic clock, which all processes of a machine share."""

    at: float
    method: str
    path: str
    asks: Asks
    headers: Mapping[str, str]
    #: Parsed: the JSON, or what an SSML document says.
    body: Any
    #: What was answered; None as long as nothing was.
    status: int | None = None


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, status: int, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        """An answer in JSON."""
        return cls(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})


class StandIn(ABC):
    """The server, and all that a test can do to it. A context manager: it ends with every thread and connection."""

    #: How the vendor is called in `python -m tests.standins NAME`.
    name: ClassVar[str]

    def __init__(self, port: int = 0) -> None:
        self.calls: list[Call] = []
        #: What went wrong in the stand-in itself; `close` raises the first.
        self.defects: list[BaseException] = []
        self._lock = threading.Lock()
        self._failures: dict[Asks, deque[Reply]] = {"speech": deque(), "voices": deque()}
        self._misbehaviours: deque[Misbehaviour] = deque()
        self._interval_s = 0.0
        self._delay_s = 0.0
        self._limit: tuple[int, float, float] | None = None
        self._answered_at: deque[float] = deque()
        self._may_go_on = threading.Event()
        self._may_go_on.set()
        self._stall_s: float | None = None
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def connections_made(self) -> int:
        """How many connections there have been: fewer than calls where they are kept."""
        return self._server.connections_made

    @property
    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """What the vendor answers to a call that nothing goes wrong with, bad requests included."""

    @abstractmethod
    def parse(self, body: bytes) -> Any:
        """The body of a request, for the record. Raises ValueError when it cannot be parsed."""

    # What a test can ask for

    def fail(
        self,
        times: int,
        status: int,
        body: Any = "",
        headers: Mapping[str, str] | None = None,
        on: Asks = "speech",
    ) -> None:
        """Answer the next `times` calls so. `body` is text, or an object that becomes JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/plain" if isinstance(body, str) else "application/json"
        reply = Reply(status, text.encode(), {"Content-Type": kind, **(headers or {})})
        with self._lock:
            self._failures[on].extend([reply] * times)

    def misbehave(self, how: Misbehaviour, times: int = 1, interval_s: float = 0.05) -> None:
        """Answer the next `times` calls for speech with a 200 that is bad. `interval_s` is between trickled bytes."""
        with self._lock:
            self._interval_s = interval_s
            self._misbehaviours.extend(how for _ in range(times))

    def stall(self, seconds: float | None = None) -> None:
        """Answer no call for speech from now on until `release`; each at the latest after `seconds`, if given."""
        self._stall_s = seconds
        self._may_go_on.clear()

    def release(self) -> None:
        """Answer what was stalled, and whatever comes."""
        self._may_go_on.set()

    def delay(self, seconds: float) -> None:
        """Answer every call for speech so much later."""
        self._delay_s = seconds

    def limit(self, calls: int, per_s: float, retry_after_s: float = 1.0) -> None:
        """Answer 429 with Retry-After to what exceeds `calls` in any `per_s` seconds."""
        self._limit = (calls, per_s, retry_after_s)

    def reset(self) -> None:
        """Behave again, and forget the calls."""
        with self._lock:
            for failures in self._failures.values():
                failures.clear()
            self._misbehaviours.clear()
            self.calls.clear()
            self._answered_at.clear()
            self._limit, self._delay_s = None, 0.0
        self.release()

    @property
    def calls_to_spoil(self) -> int:
        """How many calls for speech are still to be failed or answered badly, as a test has asked for."""
        with self._lock:
            return len(self._failures["speech"]) + len(self._misbehaviours)

    def calls_for(self, asks: Asks) -> list[Call]:
        """The calls so far that asked for that."""
        with self._lock:
            return [call for call in self.calls if call.asks == asks]

    def wait_for_calls(self, count: int, timeout_s: float = 10.0) -> None:
        """Until `count` calls have arrived. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while len(self.calls) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.calls)} of {count} calls came")
            self._closing.wait(0.005)

    def close(self) -> None:
        """End: every call in hand, every connection, every thread."""
        self._closing.set()
        self.release()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        if self.defects:
            raise self.defects[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What the handler asks

    def control(self, orders: Mapping[str, Any]) -> None:
        """Do what another process says: `{"fail": {"times": 2, "status": 503}, "release": {}}`."""
        methods: Mapping[str, Callable[..., None]] = {
            "fail": self.fail,
            "misbehave": self.misbehave,
            "stall": self.stall,
            "release": self.release,
            "delay": self.delay,
            "limit": self.limit,
            "reset": self.reset,
        }
        for name, arguments in orders.items():
            methods[name](**(arguments if isinstance(arguments, Mapping) else {}))

    def arrived(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
        """Record a call."""
        asks: Asks = "speech" if method == "POST" else "voices"
        try:
            parsed = self.parse(body)
        except ValueError:
            parsed = None
        call = Call(time.monotonic(), method, path, asks, headers, parsed)
        with self._lock:
            self.calls.append(call)
        return call

    def reply_to(self, call: Call) -> tuple[Reply, Misbehaviour | None]:
        """What to answer, and how badly, once it is time to."""
        if call.asks == "speech":
            self._closing.wait(self._delay_s)
            self._may_go_on.wait(self._stall_s)
        with self._lock:
            failures = self._failures[call.asks]
            if failures:
                return failures.popleft(), None
            if call.asks == "speech" and self._limit and self._is_over_limit(*self._limit[:2]):
                return self.too_many_calls(self._limit[2]), None
        reply = self.answer(call)
        with self._lock:
            bad = call.asks == "speech" and reply.status == 200 and self._misbehaviours
            return reply, self._misbehaviours.popleft() if bad else None

    def too_many_calls(self, retry_after_s: float) -> Reply:
        """What the vendor says to a caller that is over its limit."""
        return Reply.of_json(
            429, {"error": {"message": "Rate limit reached", "code": None}}, {"Retry-After": f"{retry_after_s:g}"}
        )

    def pause(self) -> bool:
        """Wait between two trickled bytes. Whether the stand-in is ending."""
        return self._closing.wait(self._interval_s)

    def _is_over_limit(self, calls: int, per_s: float) -> bool:
        now = time.monotonic()
        while self._answered_at and self._answered_at[0] <= now - per_s:
            self._answered_at.popleft()
        if len(self._answered_at) >= calls:
            return True
        self._answered_at.append(now)
        return False


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that it can end them: a client keeps them for its next request."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.connections_made = 0
        self._connections: set[socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections_made += 1
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self._connections):
            try:
                connection.shutdown(SHUT_RDWR)
            except OSError:
                continue  # it was gone already

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up whenever it likes; anything else is a defect of the stand-in."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def _stand_in(self) -> StandIn:
        assert isinstance(self.server, _Server)
        return self.server.stand_in

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:
        """The record of calls is enough."""

    def _handle(self) -> None:
        try:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path.startswith("/_"):
                self._send(self._controlled(body), None)
                return
            stand_in = self._stand_in
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = stand_in.arrived(self.command, self.path, headers, body)
            reply, misbehaviour = stand_in.reply_to(call)
            call.status = reply.status
            self._send(reply, misbehaviour)
        except ConnectionError:
            self.close_connection = True  # the client did not wait
        except Exception as error:
            self._stand_in.defects.append(error)
            raise

    def _controlled(self, body: bytes) -> Reply:
        stand_in = self._stand_in
        if self.path == "/_control":
            stand_in.control(json.loads(body))
            return Reply.of_json(200, {"calls_to_spoil": stand_in.calls_to_spoil})
        if self.path == "/_calls":
            return Reply.of_json(200, [asdict(call) for call in list(stand_in.calls)])
        return Reply.of_json(404, {})

    def _send(self, reply: Reply, misbehaviour: Misbehaviour | None) -> None:
        body = spoilt(reply.body, misbehaviour)
        kind = ODD_HEADERS.get(misbehaviour or "", {})
        size = 10**12 if misbehaviour == "endless" else len(body)
        head = {**reply.headers, **kind, "Content-Length": str(size)}
        if misbehaviour == "interim":
            while not self._stand_in.pause():
                self.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
        self.send_response(reply.status)
        for name, value in head.items():
            self.send_header(name, value)
        if misbehaviour == "trickle_headers":
            self._trickle(b"X-Slow: ", b"." * 100_000)
        self.end_headers()
        if misbehaviour == "trickle":
            self._trickle(b"", body)
        elif misbehaviour == "endless":
            while not self._stand_in.pause():
                self.wfile.write(b"\0" * 1_000_000)
        else:
            self.wfile.write(body[: len(body) // 2] if misbehaviour == "cut" else body)
        # What was not sent to its end leaves the connection useless.
        if misbehaviour in {"cut", "trickle", "trickle_headers", "endless", "interim"}:
            self.close_connection = True

    def _trickle(self, first: bytes, rest: bytes) -> None:
        self.flush_headers()
        self.wfile.write(first)
        for offset in range(len(rest)):
            self.wfile.write(rest[offset : offset + 1])
            if self._stand_in.pause():
                break


def path_of(call: Call) -> str:
    """The path without its query."""
    return urlsplit(call.path).path
