"""service/http/connections.py behind a real socket: what a client leaves open has an end, and a flood no victims."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from service import server as server_module
from service.http import connections
from service.server import ApiServer, listening

#: Longer than any wait here should be.
PATIENCE_S = 20.0


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body; `/slow` takes two seconds, unless the client hangs up; `/large` answers 64 MB."""
    if scope["type"] != "http":
        return
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    if scope["path"] == "/slow":
        await asyncio.wait([asyncio.ensure_future(receive())], timeout=2)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1024 if scope["path"] == "/large" else 1):
        await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """A server whose limits are small: half a second for a head, a body and a reader, twenty connections."""
    monkeypatch.setattr(connections, "HEAD_TIMEOUT_S", 0.5)
    monkeypatch.setattr(connections, "BODY_TIMEOUT_S", 0.5)
    monkeypatch.setattr(connections, "STALLED_READER_S", 0.5)
    monkeypatch.setattr(server_module, "most_connections", lambda: 20)
    with listening("127.0.0.1", 0) as where:
        server = ApiServer(app, where)  # pyright: ignore[reportArgumentType] # an app is what uvicorn can call
        thread = threading.Thread(target=server.serve)
        thread.start()
        yield server
        server.stop()
        thread.join()


@pytest.fixture
def connect(server: ApiServer) -> Iterator[Callable[[bytes], socket.socket]]:
    """Opens a connection and sends what is given."""
    address = httpx.URL(server.url)
    opened: list[socket.socket] = []

    def connect(sent: bytes) -> socket.socket:
        client = socket.create_connection((address.host, address.port or 80), timeout=PATIENCE_S)
        client.sendall(sent)
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


def is_hung_up(client: socket.socket) -> bool:
    """Whether the server hangs up, sooner or later, without a word."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: "
HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"
A_REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD, HALF_A_BODY])
def test_a_request_that_does_not_come_whole_is_given_up(connect: Callable[[bytes], socket.socket], sent: bytes) -> None:
    clients = [connect(sent) for _ in range(10)]

    assert all(is_hung_up(client) for client in clients)


def test_the_second_request_of_a_connection_has_an_end_too(connect: Callable[[bytes], socket.socket]) -> None:
    client = connect(A_REQUEST)
    while not client.recv(65_536).endswith(b"0\r\n\r\n"):
        pass
    client.sendall(HALF_A_HEAD)

    assert is_hung_up(client)


def test_a_head_without_end_is_refused(connect: Callable[[bytes], socket.socket]) -> None:
    client = connect(b"GET / HTTP/1.1\r\n")

    def send_headers() -> None:
        for number in range(100_000):
            client.sendall(f"X-{number}: {'x' * 1000}\r\n".encode())

    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        send_headers()


def test_a_body_is_no_head_however_large(server: ApiServer) -> None:
    assert httpx.post(server.url, content=b"x" * 2_000_000, timeout=PATIENCE_S).status_code == 200


def test_a_flood_of_idle_connections_keeps_nobody_out(
    server: ApiServer, connect: Callable[[bytes], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_TIMEOUT_S", 3600)
    for number in range(60):
        connect(HALF_A_HEAD if number % 2 else b"")

    assert httpx.get(server.url, timeout=PATIENCE_S).status_code == 200


def test_a_flood_ends_no_request_that_is_being_answered(
    server: ApiServer, connect: Callable[[bytes], socket.socket]
) -> None:
    answers: list[int] = []
    slow = threading.Thread(
        target=lambda: answers.append(httpx.get(f"{server.url}/slow", timeout=PATIENCE_S).status_code)
    )
    slow.start()
    while slow.is_alive():
        connect(HALF_A_HEAD)
        slow.join(0.02)  # a flood of fifty a second, until the answer is there

    assert answers == [200]


def test_a_client_that_does_not_read_is_given_up(server: ApiServer, connect: Callable[[bytes], socket.socket]) -> None:
    kept = server._server.server_state.connections
    connect(A_REQUEST.replace(b"GET / ", b"GET /large "))
    wait_until(lambda: bool(kept))

    wait_until(lambda: not kept)


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when it holds; fail when it never does."""
    given_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < given_up_at
        time.sleep(0.02)
