"""Signing in: the page gives a key once, and the browser keeps it where no script can read it.

The cookie is the key itself, so a revoked key is signed out everywhere at once. Another site cannot use it: browsers
send it with nothing that such a site began (`SameSite=Strict`), and `service/http/sites.py` refuses that, too.
"""

from __future__ import annotations

from typing import Any, Final, cast

from litestar import Response, delete, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import Cookie
from litestar.params import RawBody

from actors.providers.problem import Problem, Text
from service.http.auth import SESSION_COOKIE
from service.http.errors import AnyRequest, ApiError, InvalidRequest
from service.http.json_body import read_json
from service.http.messages import ErrorCode
from service.resources import ResourcesDep
from service.settings import SettingsDep

#: Tells the page's scripts, which cannot see the other, that there is one.
SIGNED_IN_COOKIE: Final = "readthrough-signed-in"

_NO_KEY: Final = Text("須為字串", "must be a string")


@post("/session", status_code=204)
async def sign_in(request: AnyRequest, body: RawBody, resources: ResourcesDep, settings: SettingsDep) -> Response[None]:
    """Keep a key, `{"key": "rt_..."}`, if it is somebody's, until the browser is closed."""
    key = _key_in(read_json(request, body))
    if await sync_to_thread(resources.stores.keys.user_of, key) is None:
        raise ApiError(ErrorCode.UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
    is_secure = settings.reached_at.startswith("https://")
    return Response(
        None,
        cookies=[
            Cookie(SESSION_COOKIE, value=key, httponly=True, secure=is_secure, samesite="strict"),
            Cookie(SIGNED_IN_COOKIE, value="1", secure=is_secure, samesite="strict"),
        ],
    )


@delete("/session", status_code=204, sync_to_thread=False)
def sign_out() -> Response[None]:
    """Forget the key."""
    names = (SESSION_COOKIE, SIGNED_IN_COOKIE)
    return Response(None, cookies=[Cookie(name, value="", max_age=0, samesite="strict") for name in names])


def _key_in(value: Any) -> str:
    key = cast("dict[str, Any]", value).get("key") if isinstance(value, dict) else None
    if not isinstance(key, str):
        raise InvalidRequest([Problem("key", _NO_KEY)])
    return key
