"""The cursor of a list: where a page ended, as a token that says nothing to its client but "go on here"."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

from actors.providers.problem import Problem, Text
from service.http.errors import InvalidRequest

#: 16 bytes in Base64 (RFC 4648, 5), without padding.
CURSOR_PATTERN: Final = "^[A-Za-z0-9_-]{22}$"
_CURSOR: Final = re.compile(CURSOR_PATTERN)
_PADDING: Final = "=="


def cursor_of(last: UUID) -> str:
    """The cursor of a page that ended with this job."""
    return urlsafe_b64encode(last.bytes).decode().removesuffix(_PADDING)


def parse_cursor(cursor: str) -> UUID:
    """The job that the page before ended with. It need not exist any more.

    Raises:
        InvalidRequest: no server of ours has made this.
    """
    if _CURSOR.fullmatch(cursor) is None:
        text = Text("須為上一頁的 next_cursor", "must be the next_cursor of the page before")
        raise InvalidRequest([Problem("cursor", text)])
    return UUID(bytes=urlsafe_b64decode(cursor + _PADDING))
