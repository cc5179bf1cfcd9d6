"""Who calls: the one user of a server without keys, or the user of the API key that came with the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler

from service.http.errors import ApiError
from service.http.messages import ErrorCode
from service.settings import ServiceSettings
from storage.jobs import LOCAL_USER_ID
from storage.key_store import KeyStore

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]


def guards(settings: ServiceSettings, keys: KeyStore) -> Sequence[Guard]:
    """What every route that belongs to a user asks before it reads the request."""
    if settings.auth == "none":
        return []

    # Litestar calls a guard that is not async in a thread.
    def require_api_key(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        key = _bearer(connection.headers.get("authorization", ""))
        user_id = keys.user_of(key) if key else None
        if user_id is None:
            raise ApiError(ErrorCode.UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
        connection.scope["user"] = user_id

    return [require_api_key]


def caller(settings: ServiceSettings) -> Provide:
    """The `user_id` of the handlers: what the guard found out, or the local user."""
    if settings.auth == "none":
        return Provide(_local_user, sync_to_thread=False)
    return Provide(_user_of_key, sync_to_thread=False)


def _local_user() -> UUID:
    return LOCAL_USER_ID


def _user_of_key(request: Request[Any, Any, Any]) -> UUID:
    return request.user


def _bearer(authorization: str) -> str | None:
    """The token of `Authorization: Bearer <token>` (RFC 6750, 2.1); the scheme's case does not matter."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
