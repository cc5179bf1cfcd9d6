"""What no query string may hold: a name twice, of which Litestar would take one and drop the other."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from litestar.connection import ASGIConnection

from actors.providers.problem import Problem, Text
from service.http.errors import PARAMETERS, InvalidRequest

_TWICE: Final = Text("只能出現一次", "must be given once")


def require_plain_query(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Go on only with a query string that says each thing once.

    Raises:
        InvalidRequest: it says something twice, or `null` for a word or a number, which Litestar takes for none.
    """
    if not connection.scope["query_string"]:
        return
    pairs = parse_qsl(connection.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    names = [name for name, _ in pairs]
    twice = [Problem(name, _TWICE) for name in dict.fromkeys(names) if name in PARAMETERS and names.count(name) > 1]
    nulls = [Problem(name, PARAMETERS[name]) for name, value in pairs if name in PARAMETERS and value == "null"]
    if twice or nulls:
        raise InvalidRequest(twice or nulls)
