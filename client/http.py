"""What both clients share of HTTP: where the server is, who asks, how long a call may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from client.talks import Call

#: To connect, and until an answer begins or goes on, in seconds.
TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
CHUNK_BYTES: Final = 256 * 1024


def options(url: str, key: str | None, accept_language: str) -> dict[str, Any]:
    """What httpx's clients are made with."""
    headers = {"Accept-Language": accept_language} | ({} if key is None else {"Authorization": f"Bearer {key}"})
    # What an environment says of proxies is not for a server on this machine.
    return {"base_url": url, "headers": headers, "timeout": TIMEOUT, "trust_env": not _is_here(url)}


def arguments(call: Call) -> Mapping[str, Any]:
    """A call as httpx wants it."""
    body = {} if call.json is None else {"json": call.json}
    return {"method": call.method, "url": call.path, "headers": call.headers, "params": call.params, **body}


def _is_here(url: str) -> bool:
    return httpx.URL(url).host in {"127.0.0.1", "localhost", "::1"}
