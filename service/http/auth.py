"""Who calls, and how often: the one user of a server without keys, or the user of the API key that came along."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final
from uuid import UUID

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler

from service.http.cookies import cookie_of
from service.http.errors import ApiError
from service.http.messages import ErrorCode
from service.http.middleware import RATE_HEADERS
from service.http.query import require_plain_query
from service.http.rate_limit import RateLimit
from service.settings import ServiceSettings, is_loopback
from storage.jobs import LOCAL_USER_ID
from storage.key_store import KeyStore

#: Where the page keeps the key that a person has signed in with (`service/page/sign_in.py`).
SESSION_COOKIE: Final = "readthrough-session"
#: How long a request that is one too many waits for its refusal.
REFUSAL_DELAY_S: Final = 1.0

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None] | None]


def guard(settings: ServiceSettings, keys: KeyStore) -> Guard:
    """What every route that belongs to a user asks before it reads the request.

    One for all of it: Litestar copies a route for each guard that it calls.
    """
    limit = RateLimit(settings.rate_limit_per_minute)

    async def let_in(connection: Connection, _handler: BaseRouteHandler) -> None:
        if settings.auth == "api-key":
            connection.scope["user"] = await _user_of(connection, keys)
        await _limit_rate(connection, _who(connection, settings), limit)
        require_plain_query(connection)

    return let_in


async def _user_of(connection: Connection, keys: KeyStore) -> UUID:
    key = _key_of(connection)
    user_id = await sync_to_thread(keys.user_of, key) if key else None
    if user_id is None:
        raise ApiError(ErrorCode.UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
    return user_id


async def _limit_rate(connection: Connection, who: Hashable, limit: RateLimit) -> None:
    if who is None:
        return
    try:
        connection.scope[RATE_HEADERS] = limit.require(who)  # type: ignore[literal-required]
    except ApiError:
        # Who does not wait by themselves is made to: a refusal costs nearly as much as an answer.
        await asyncio.sleep(REFUSAL_DELAY_S)
        raise


def _who(connection: Connection, settings: ServiceSettings) -> Hashable:
    """Whose requests are counted together; None: they are not counted.

    With keys, a user's. Without, nobody has a name but their address; and whoever is on this machine is its owner, whom
    a limit would protect from nobody but themselves.
    """
    if settings.auth == "api-key":
        return connection.scope["user"]
    address = connection.client.host if connection.client else ""
    return None if is_loopback(address) else address


def caller(settings: ServiceSettings) -> Provide:
    """The `user_id` of the handlers: what the guard found out, or the local user."""
    if settings.auth == "none":
        return Provide(_local_user, sync_to_thread=False)
    return Provide(_user_of_key, sync_to_thread=False)


def _local_user() -> UUID:
    return LOCAL_USER_ID


def _user_of_key(request: Request[Any, Any, Any]) -> UUID:
    return request.user


def _key_of(connection: Connection) -> str | None:
    """The key that came along: in the header, or where there is none in the cookie of the page."""
    authorization = connection.headers.get("authorization")
    return cookie_of(connection, SESSION_COOKIE) if authorization is None else _bearer(authorization)


def _bearer(authorization: str) -> str | None:
    """The token of `Authorization: Bearer <token>` (RFC 6750, 2.1); the scheme's case does not matter."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
