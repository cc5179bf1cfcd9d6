"""JSON of vendors, read within bounds: a megabyte of it can become a gigabyte of objects."""

from __future__ import annotations

import json
from typing import Any, Final

#: Each value of a list or an object takes up to a hundred bytes. The longest real list of voices has 40,000.
MAX_VALUES: Final = 100_000


class NotJson(Exception):
    """What came is no JSON, or more of it than any vendor has to say."""


def read_json(body: bytes) -> Any:
    """The value that `body` is.

    Raises:
        NotJson: it is none, is nested too deep, or has more than `MAX_VALUES` parts.
    """
    refuse_too_much(body)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def refuse_too_much(body: bytes) -> None:
    """Look, before anything is made of it, how many parts a JSON text can have.

    Raises:
        NotJson: more than `MAX_VALUES`.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise NotJson(f"it has more than {MAX_VALUES:,} parts")
