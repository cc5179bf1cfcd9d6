"""What a vendor said, found in its answer and made fit for the eyes of a user: short, and free of secrets."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

MAX_CHARACTERS: Final = 300
#: So much of what a vendor said is read at all. It may be 64 kB, and what comes after this is not shown.
_MAX_READ_CHARACTERS: Final = 2000
#: A secret shorter than this is part of words: without the "e" of a key "e", "exceeded" cannot be read.
SHORTEST_SECRET: Final = 8
_ELLIPSIS: Final = "…"
_HIDDEN: Final = "[hidden]"

#: Things that look like a credential, whoever's it is. Vendors repeat keys in part (`sk-ab***yz`).
_CREDENTIALS: Final = re.compile(
    r"""\b(?:Bearer|Basic|Token)\ [^\s"',;]{6,}|\b(?:sk|pk|rk)[-_][\w*.-]{3,}|\b(?:AIza|AKIA|ASIA|eyJ)[\w.-]{8,}"""
    r"""|\b[A-Za-z0-9]{32,}\b""",
    re.IGNORECASE,
)
_NAMED_CREDENTIAL: Final = re.compile(
    r"""((?:key|token|secret|password|authorization|signature)["']?\ ?[:=]\ ?["']?)[^\s"',;]+""", re.IGNORECASE
)
#: What may be an address: it ends at a space, a quote or a bracket.
_CHUNK: Final = re.compile(r"""[^\s"'<>]+""")


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
    message = _part(error, "message", "detail", "error", "err_msg") or error
    codes = (_part(error, name) for name in ("code", "type", "status", "err_code"))
    return Complaint(
        words=message if isinstance(message, str) else json.dumps(message, ensure_ascii=False),
        codes=frozenset(code for code in codes if isinstance(code, str)),
    )


def cleaned(words: str, secrets: Iterable[str]) -> str:
    """`words` in one line of at most 300 characters, without `secrets`, credentials and the queries of addresses.

    Secrets of fewer than `SHORTEST_SECRET` characters stay: hiding them would hide the words. Time is linear.
    """
    read = words[:_MAX_READ_CHARACTERS]
    readable = "".join(c for c in " ".join(read.split()) if not unicodedata.category(c).startswith("C"))
    hidden = sorted((secret for secret in secrets if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)
    for secret in hidden:
        readable = readable.replace(secret, _HIDDEN)
    if len(words) > len(read):
        readable = _without_broken_end(readable, hidden)
    readable = _CHUNK.sub(lambda chunk: _without_query(chunk[0]), readable)
    one_line = _NAMED_CREDENTIAL.sub(rf"\1{_HIDDEN}", _CREDENTIALS.sub(_HIDDEN, readable))
    return one_line if len(one_line) <= MAX_CHARACTERS else one_line[: MAX_CHARACTERS - 1] + _ELLIPSIS


def _without_broken_end(words: str, secrets: Iterable[str]) -> str:
    """Without the beginning of a secret, whose end was cut off."""
    for secret in secrets:
        for length in range(len(secret) - 1, 3, -1):
            if words.endswith(secret[:length]):
                return words[:-length]
    return words


def _without_query(chunk: str) -> str:
    """An address without its user's password, its query and its fragment; anything else as it is."""
    scheme, *rest = chunk.split("://")
    if not rest and ("/" not in chunk or "=" not in chunk):
        return chunk
    # Each host's user, wherever one address stands in another.
    address = "://".join([scheme, *map(_without_user, rest)])
    return re.split("[?#]", address, maxsplit=1)[0]


def _without_user(address: str) -> str:
    host, slash, path = address.partition("/")
    return host.rpartition("@")[2] + slash + path


def _part(answer: Any, *names: str) -> Any:
    """The first of `names` that a JSON object has something under."""
    if not isinstance(answer, Mapping):
        return None
    fields = cast("Mapping[str, Any]", answer)
    return next((fields[name] for name in names if fields.get(name)), None)
