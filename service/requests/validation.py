"""From a JSON value to a model: field by field, an item of a list at a time, so that what is right can be used beside
what is wrong, and so that no request takes long: lists and strings are measured before anything else looks at them,
and after the hundredth problem nobody reads on.

Which fields there are, and what each may hold: `schemas.py`. Rules that tie fields together: `job_request.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from actors.providers.problem import Problem, Text
from service.http.errors import InvalidRequest

#: A request with so many problems hears of them, and its reading ends.
MAX_PROBLEMS: Final = 100

#: A whole list may be wrong in several ways. Of everything else the first thing that is said is the one to mend.
_WHOLE_LISTS: Final = frozenset({"turns", "voice_assignments"})
#: A name that a client made up is shown so far, in characters.
_NAME_SHOWN: Final = 100

M = TypeVar("M", bound=BaseModel)


class Problems:
    """What is wrong with one request, in the order in which it was found."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Problem] = {}
        self._times = 0

    @property
    def found(self) -> Sequence[Problem]:
        """Every problem. A value that is wrong in itself breaks other rules too: only the first of them is here."""
        return list(self._found.values())

    @property
    def times(self) -> int:
        """How often something was found wrong."""
        return self._times

    def add(self, problem: Problem) -> None:
        """Something is wrong.

        Raises:
            InvalidRequest: there are so many problems now that it is no use to read on.
        """
        self._times += 1
        about = problem.text.en if problem.field in _WHOLE_LISTS else ""
        self._found.setdefault((problem.field, about), problem)
        if len(self._found) == MAX_PROBLEMS:
            raise InvalidRequest(self.found)


def read_model(kind: type[M], value: Any, problems: Problems, path: str = "") -> M | None:
    """A value as a model, or None when anything is wrong with it. `path`: where it stands in the request."""
    before = problems.times
    fields = read_fields(kind, value, problems, path)
    return kind.model_construct(**fields) if problems.times == before else None


def read_fields(kind: type[BaseModel], value: Any, problems: Problems, path: str = "") -> dict[str, Any]:
    """Those fields of a model that are right, defaults filled in. A list of models has None for each that is wrong."""
    if not isinstance(value, dict):
        problems.add(Problem(path or "body", _NOT_AN_OBJECT))
        return {}
    given = cast("dict[str, Any]", value)
    fields: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        place = _joined(path, name)
        if name in given:
            try:
                fields[name] = _value_reader(kind, name).validate_python(given[name], strict=True)
            except ValidationError as refusal:
                problems.add(Problem(place, _text_of(refusal)))
                continue
            item_kind = _item_kind(kind, name)
            if item_kind is not None:
                items = enumerate(fields[name])
                fields[name] = [read_model(item_kind, item, problems, f"{place}[{at}]") for at, item in items]
        elif field.is_required():
            problems.add(Problem(place, _MISSING))
        else:
            fields[name] = field.default
    for name in given:
        if name not in kind.model_fields:
            _refuse_name(name, problems, path)
    return fields


def _text_of(refusal: ValidationError) -> Text:
    first = refusal.errors(include_url=False, include_input=False)[0]
    return _PROBLEMS.get(first["type"], _UNUSABLE).filled(**first.get("ctx", {}))


def _refuse_name(name: str, problems: Problems, path: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        problems.add(Problem(path or "body", _LONE_SURROGATE))
    else:
        problems.add(Problem(_joined(path, name[:_NAME_SHOWN]) or "body", _UNKNOWN_FIELD))


@cache
def _value_reader(kind: type[BaseModel], name: str) -> TypeAdapter[Any]:
    """What a field may hold; of a list of models its length alone, as each item is read by itself."""
    field = kind.model_fields[name]
    held: Any = field.annotation if _item_kind(kind, name) is None else list[Any]
    for rule in field.metadata:
        held = Annotated[held, rule]
    return TypeAdapter[Any](held)


@cache
def _item_kind(kind: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of a list's items; None for a field that is no list of models."""
    annotation = kind.model_fields[name].annotation
    item = get_args(annotation)[0] if get_origin(annotation) is list else None
    return item if isinstance(item, type) and issubclass(item, BaseModel) else None


def _joined(path: str, name: str) -> str:
    """The path of a field as clients read it: `turns[3].text`."""
    return f"{path}.{name}" if path else name


BAD_LANGUAGE: Final = Text("須為 BCP 47 語言標籤，例如 zh-TW", "must be a BCP 47 language tag, as zh-TW")
_MISSING: Final = Text("必填", "is required")
_UNKNOWN_FIELD: Final = Text("沒有這個欄位", "is not a known field")
_NOT_AN_OBJECT: Final = Text("須為物件", "must be an object")
_LONE_SURROGATE: Final = Text("含有不成對的代理字元（surrogate）", "contains half of a surrogate pair")
_UNUSABLE: Final = Text("不是可用的值", "is not a usable value")
#: What is said of a value that pydantic refuses, by the type of its error.
_PROBLEMS: Final[Mapping[str, Text]] = {
    "list_type": Text("須為陣列", "must be an array"),
    "too_short": Text("至少要有 {min_length} 項", "must have at least {min_length} item"),
    "too_long": Text("最多 {max_length} 項", "must have at most {max_length} items"),
    "string_type": Text("須為字串", "must be a string"),
    "int_type": Text("須為整數", "must be a whole number"),
    "float_type": Text("須為數字", "must be a number"),
    "style": Text("不可含有括號、反斜線或控制字元", "must have no brackets, backslashes or control characters"),
    "control_character": Text("含有控制字元", "contains a control character"),
    "unspeakable": Text("沒有可朗讀的文字", "has nothing in it to be spoken"),
    "bool_type": Text("須為 true 或 false", "must be true or false"),
    "string_too_short": Text("不可空白", "must not be empty"),
    "string_too_long": Text("最多 {max_length} 個字元", "must have at most {max_length} characters"),
    "greater_than_equal": Text("不可小於 {ge}", "must be {ge} or more"),
    "less_than_equal": Text("不可大於 {le}", "must be {le} or less"),
    "string_unicode": _LONE_SURROGATE,
    "lone_surrogate": _LONE_SURROGATE,
    "nul_character": Text("含有 NUL 字元", "contains a NUL character"),
    "blank": Text("不可空白", "must not be blank"),
    "language_tag": BAD_LANGUAGE,
    "one_of": Text("須為 {expected} 之一", "must be one of {expected}"),
}
