"""The cookies of a request, read in time that grows with their length alone.

Litestar reads them with `http.cookies`, whose unquoting takes seconds for a quoted value of 60,000 backslashes.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection


def cookie_of(request: ASGIConnection[Any, Any, Any, Any], name: str) -> str | None:
    """The value of a cookie, as it was sent but for quotes around it; None when it was not sent."""
    for header in request.headers.getall("cookie", []):
        for pair in header.split(";"):
            key, _, value = pair.partition("=")
            if key.strip() == name:
                return value.strip().strip('"')
    return None
