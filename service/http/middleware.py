"""Around every request, routed or not: its id, one line in the log, its numbers, and the headers of every answer."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

import structlog
from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service.http.errors import InvalidRequest, answer_api_error, methods_of
from service.http.metrics import Metrics
from service.http.sites import Sites
from service.http.threads import ASKING, who_asks

log = structlog.get_logger()

#: An id that a proxy or client may give its request. Anything else is replaced: it goes into logs.
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")

#: What a browser is told about every answer that does not say it itself.
_SECURITY_HEADERS: Final[Sequence[tuple[bytes, bytes]]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
#: Where the guard that counts requests leaves in a request's scope what every answer says of it.
RATE_HEADERS: Final = "rate_headers"
#: Jobs change, and belong to their user.
_NO_STORE: Final = (b"cache-control", b"no-store")


class RequestMiddleware:
    """An ASGI app around another one."""

    def __init__(self, app: ASGIApp, metrics: Metrics, sites: Sites) -> None:
        self._app = app
        self._metrics = metrics
        self._sites = sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_headers(message["headers"], request_id, scope.get(RATE_HEADERS, {}))
            await send(message)

        # The task of a request is its own: what is set here ends with it.
        ASKING.set(who_asks(scope))
        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            try:
                await self._answer_of(scope)(scope, receive, send_with_headers)
            except Exception:
                # The answer had begun; what is left is to cut the connection, so that it is not taken for whole.
                log.exception("answer_broke_off")
                raise
            finally:
                self._note(scope, status, time.perf_counter() - started)

    def _answer_of(self, scope: Any) -> ASGIApp:
        """The app, or what is said to a request that is for or from another site, or asks for an address's methods."""
        request = Request[Any, Any, Any](scope)
        problem = self._sites.problem_of(scope["method"], scope["path"], scope["headers"])
        if problem is not None:
            refusal: Any = answer_api_error(request, InvalidRequest([problem]))
            return refusal.to_asgi_response(None, request)
        # Litestar names the methods of one handler, and an address may have several.
        allowed = methods_of(request) if scope["method"] == "OPTIONS" else ()
        if not allowed:
            return self._app
        return ASGIResponse(status_code=204, headers={"Allow": ", ".join(allowed)})

    def _note(self, scope: Any, status: int, duration_s: float) -> None:
        method: str = scope["method"]
        route: str = scope.get("path_template", "unmatched")
        known_method = method if method in _METHODS else "other"
        self._metrics.requests.labels(known_method, route, str(status)).inc()
        self._metrics.request_duration.labels(known_method, route).observe(duration_s)
        log.info("request", method=method, path=scope["path"], status=status, duration_ms=round(duration_s * 1000, 1))


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _request_id(scope: Any) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value
    return uuid4().hex.encode()


def _with_headers(headers: Any, request_id: bytes, rate: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    given: list[tuple[bytes, bytes]] = list(headers)
    said = {name.lower() for name, _ in given}
    rate_headers = [(name.lower().encode(), value.encode()) for name, value in rate.items()]
    added = [header for header in (*_SECURITY_HEADERS, _NO_STORE, *rate_headers) if header[0] not in said]
    return [*given, (b"x-request-id", request_id), *added]
