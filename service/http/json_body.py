"""The body of a request: bytes in, JSON out, and everything that can be wrong with either named in both languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeVar, cast

from pydantic import BaseModel, ValidationError

from actors.providers.problem import Problem, Text
from service.http.errors import AnyRequest, InvalidRequest

#: The largest body that is read. The longest job (1000 turns, 100,000 characters, names of 50), with every character
#: written as two \uXXXX escapes, is 1.9 MB.
MAX_BODY_BYTES: Final = 2 * 1024 * 1024

M = TypeVar("M", bound=BaseModel)


def read_json(request: AnyRequest, body: bytes) -> Any:
    """The JSON value in a body.

    Raises:
        InvalidRequest: it is not declared as JSON, or is none.
    """
    # Without this a page of another site could submit jobs: a browser asks us before it sends this type, and only this.
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise InvalidRequest([Problem("Content-Type", Text("須為 application/json", "must be application/json"))])
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


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read_model(kind: type[M], value: Any) -> tuple[M | None, list[Problem]]:
    """A value as a model, or None and everything that is wrong with its parts."""
    try:
        return kind.model_validate(value), []
    except ValidationError as error:
        return None, [_problem(one["type"], one["loc"], one.get("ctx", {})) for one in error.errors(include_url=False)]


def _problem(kind: str, path: tuple[int | str, ...], context: Mapping[str, Any]) -> Problem:
    return Problem(field_path(path), _PROBLEMS.get(kind, _UNUSABLE).filled(**context))


def field_path(path: tuple[int | str, ...]) -> str:
    """The path of a field as clients read it: `turns[3].text`."""
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:100]}" for part in path)
    return written.removeprefix(".") or "body"


def as_object(value: Any) -> Mapping[str, Any]:
    """The value as far as it is an object."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value as far as it is an array."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """The value if it is a string."""
    return value if isinstance(value, str) else None


def as_whole(value: Any) -> int | None:
    """The value if it is a whole number."""
    return value if type(value) is int else None


BAD_LANGUAGE: Final = Text("須為 BCP 47 語言標籤，例如 zh-TW", "must be a BCP 47 language tag, as zh-TW")
_UNUSABLE: Final = Text("不是可用的值", "is not a usable value")
_PROBLEMS: Final[Mapping[str, Text]] = {
    "missing": Text("必填", "is required"),
    "extra_forbidden": Text("沒有這個欄位", "is not a known field"),
    "string_type": Text("須為字串", "must be a string"),
    "int_type": Text("須為整數", "must be a whole number"),
    "bool_type": Text("須為 true 或 false", "must be true or false"),
    "list_type": Text("須為陣列", "must be an array"),
    "model_type": Text("須為物件", "must be an object"),
    "string_too_short": Text("不可空白", "must not be empty"),
    "string_too_long": Text("最多 {max_length} 個字元", "must have at most {max_length} characters"),
    "too_short": Text("至少要有 {min_length} 項", "must have at least {min_length} item"),
    "too_long": Text("最多 {max_length} 項", "must have at most {max_length} items"),
    "greater_than_equal": Text("不可小於 {ge}", "must be {ge} or more"),
    "less_than_equal": Text("不可大於 {le}", "must be {le} or less"),
    "string_unicode": Text("含有無效的 Unicode 字元", "contains half of a surrogate pair"),
    "lone_surrogate": Text("含有不成對的代理字元（surrogate）", "contains half of a surrogate pair"),
    "nul_character": Text("含有 NUL 字元", "contains a NUL character"),
    "blank": Text("不可空白", "must not be blank"),
    "language_tag": BAD_LANGUAGE,
    "one_of": Text("須為 {expected} 之一", "must be one of {expected}"),
}
