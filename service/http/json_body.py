"""The body of a request: bytes in, JSON out, and what can be wrong with either named in both languages.

Whether the JSON is what a route asks for: `service/requests/validation.py`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from actors.providers.problem import Problem, Text
from service.http.errors import AnyRequest, InvalidRequest

#: The largest body that is read. The longest job (1000 turns, 100,000 characters, names of 50), with every character
#: written as two \uXXXX escapes, is 1.9 MB.
MAX_BODY_BYTES: Final = 2 * 1024 * 1024

#: So many strings, commas and opening brackets a body may have; the longest job has 16,000. As Python's objects they
#: take 10 MB, where two megabytes of `[],[],` would take fifty.
MAX_TOKENS: Final = 100_000
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[,\[{]', re.DOTALL)


def read_json(request: AnyRequest, body: bytes) -> Any:
    """The JSON value in a body.

    Raises:
        InvalidRequest: it is not declared as JSON, or is none.
    """
    # Without this a page of another site could submit jobs: a browser asks us before it sends this type, and only this.
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise InvalidRequest([Problem("Content-Type", Text("須為 application/json", "must be application/json"))])
    if _is_flood(body):
        raise InvalidRequest([Problem("body", _FLOOD.filled(limit=MAX_TOKENS))])
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise InvalidRequest([Problem("body", Text("不是有效的 UTF-8", "is not valid UTF-8"))]) from None
    except json.JSONDecodeError as error:
        at = f"{error.lineno}:{error.colno}"
        text = Text(f"不是有效的 JSON（第 {at} 字元）", f"is not valid JSON (at {at}: {error.msg})")
        raise InvalidRequest([Problem("body", text)]) from None
    except (ValueError, RecursionError) as error:
        # NaN and Infinity, numbers of thousands of digits, thousands of brackets.
        raise InvalidRequest([Problem("body", Text("不是可用的 JSON", f"is not usable JSON: {error}"))]) from None


def _is_flood(body: bytes) -> bool:
    """Whether there are more than `MAX_TOKENS`, found out before any of them becomes an object."""
    # Quick and never too low; but what stands within strings is counted as well.
    if body.count(b'"') // 2 + sum(map(body.count, (b",", b"[", b"{"))) < MAX_TOKENS:
        return False
    return any(number == MAX_TOKENS for number, _ in enumerate(_TOKEN.finditer(body)))


_FLOOD: Final = Text(
    "不是可用的 JSON：字串、逗號與括號超過 {limit} 個",
    "is not usable JSON: more than {limit} strings, commas and brackets",
)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
