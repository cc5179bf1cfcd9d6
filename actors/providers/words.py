"""What a vendor said, found in its answer and made fit for the eyes of a user: short, and free of secrets."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

MAX_CHARACTERS: Final = 300
#: So much of what a vendor said is looked through for secrets. What comes after it is not shown.
_MAX_READ_CHARACTERS: Final = 2000
_ELLIPSIS: Final = "…"
_HIDDEN: Final = "[hidden]"

#: Things that look like a credential, whoever's it is. Vendors repeat keys in part (`sk-ab***yz`).
_CREDENTIALS: Final = re.compile(
    r"""\b(?:Bearer|Basic|Token)\s+[^\s"',;]{6,}|\b(?:sk|pk|rk)[-_][\w*.-]{3,}|\b[A-Za-z0-9]{32,}\b""", re.IGNORECASE
)
_NAMED_CREDENTIAL: Final = re.compile(
    r"""((?:key|token|secret|password|authorization)["']?\s*[:=]\s*["']?)[^\s"',;]+""", re.IGNORECASE
)
#: An address up to its query or fragment, and its user's password.
# lint: allow slow-pattern: 2,000 characters at most
_URL_TAIL: Final = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s?#\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE)
_URL_USER: Final = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/@\"'<>]+@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Complaint:
    """The error in a vendor's answer: its words, and its codes (`insufficient_quota`) where it gives any."""

    words: str
    codes: frozenset[str]


def complaint_in(body: bytes) -> Complaint:
    """What the body of a failed answer says. Vendors agree on JSON, if at all, not on where the words are."""
    text = body.decode(errors="replace")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return Complaint(text, frozenset())
    error = _part(answer, "error", "detail") or answer
    message = _part(error, "message", "detail", "error") or error
    codes = (_part(error, name) for name in ("code", "type", "status"))
    return Complaint(
        words=message if isinstance(message, str) else json.dumps(message, ensure_ascii=False),
        codes=frozenset(code for code in codes if isinstance(code, str)),
    )


def cleaned(words: str, secrets: Iterable[str]) -> str:
    """`words` in one line of at most 300 characters, without `secrets`, credentials and the queries of addresses."""
    readable = "".join(c for c in " ".join(words.split()) if not unicodedata.category(c).startswith("C"))
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        readable = readable.replace(secret, _HIDDEN)
    readable = readable[:_MAX_READ_CHARACTERS]
    readable = _URL_USER.sub(r"\1", _URL_TAIL.sub(r"\1", readable))
    one_line = _NAMED_CREDENTIAL.sub(rf"\1{_HIDDEN}", _CREDENTIALS.sub(_HIDDEN, readable))
    return one_line if len(one_line) <= MAX_CHARACTERS else one_line[: MAX_CHARACTERS - 1] + _ELLIPSIS


def _part(answer: Any, *names: str) -> Any:
    """The first of `names` that a JSON object has something under."""
    if not isinstance(answer, Mapping):
        return None
    fields = cast("Mapping[str, Any]", answer)
    return next((fields[name] for name in names if fields.get(name)), None)
