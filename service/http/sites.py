"""Which site a request is for, and which it comes from: another site's page must not use a server through a browser.

A name that leads to this machine makes any page a page of ours to a browser (DNS rebinding), so `Host` must be a name
that is known. And a browser says with what changes something where that comes from; programs say nothing, and may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from actors.providers.problem import Problem, Text

#: For probes, which ask by address, and tell nobody's data.
_FOR_PROBES: Final = ("/health/", "/metrics")
#: Methods that change nothing (RFC 9110, 9.2.1).
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: `same-site` is not enough: on localhost it is any other port.
_OURS: Final = frozenset({b"same-origin", b"none"})
#: A name or an address, and a port that may differ where something forwards it.
_HOST: Final = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(:[0-9]{1,5})?")

Headers = Sequence[tuple[bytes, bytes]]


class Sites:
    """The names of a server, and the site that is its own."""

    def __init__(self, names: Iterable[str], public_url: str) -> None:
        """`names`: what `Host` may say, without a port. `public_url`: where users reach the page."""
        self._names = frozenset(name.lower() for name in names)
        self._origin = origin_of(public_url)

    def problem_of(self, method: str, path: str, headers: Headers) -> Problem | None:
        """What is wrong with where a request is for or from; None when it may go on."""
        host = _only(headers, b"host")
        if not path.startswith(_FOR_PROBES) and not self._is_ours(host):
            return Problem("Host", _NO_NAME_OF_OURS)
        if method in _SAFE:
            return None
        fetch_site = _only(headers, b"sec-fetch-site")
        if fetch_site is not None:
            return None if fetch_site in _OURS else Problem("Sec-Fetch-Site", _FOREIGN)
        origin = _only(headers, b"origin")
        if origin is None or self._is_same(origin, host):
            return None
        return Problem("Origin", _FOREIGN)

    def _is_ours(self, host: bytes | None) -> bool:
        match = _HOST.fullmatch((host or b"").decode("latin-1").lower())
        return match is not None and match[1].removesuffix(".").strip("[]") in self._names

    def _is_same(self, origin: bytes, host: bytes | None) -> bool:
        text = origin.decode("latin-1").lower()
        return text == self._origin or text.partition("://")[2] == (host or b"").decode("latin-1").lower()


def origin_of(url: str) -> str:
    """The origin of a URL as browsers write it: its scheme, its host, its port where that is not the usual one."""
    parts = urlsplit(url.lower())
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if parts.port in (None, usual) else f":{parts.port}")


def _only(headers: Headers, name: bytes) -> bytes | None:
    """A header's value; None when it was not sent. Sent twice, it is what nobody means."""
    values = [value for key, value in headers if key == name]
    return b", ".join(values) if values else None


_NO_NAME_OF_OURS: Final = Text(
    "不是這台伺服器的名稱；要用這個名稱，請設定 PUBLIC_URL 或 ALLOWED_HOSTS",
    "is not a name of this server; to be reached by it, set PUBLIC_URL or ALLOWED_HOSTS",
)
_FOREIGN: Final = Text("另一個網站不可代您操作", "another site may not act in your name")
