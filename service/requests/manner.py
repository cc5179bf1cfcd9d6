"""How a line is to be said, as a request may ask for it: the fields `speed` and `style`."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

#: How fast a line may be asked for, as a factor of the voice's own speed.
SLOWEST: Final = 0.5
FASTEST: Final = 2.0
#: A style is a word or a few, in characters.
MAX_STYLE_LENGTH: Final = 100

#: A style reaches vendors within markup of theirs: it has no brackets, backslashes, control characters or halves of
#: surrogate pairs, and is not blank.
STYLE_PATTERN: Final = r"^[^\x00-\x1f\x7f<>\[\]{}\\]*[^\x00-\x1f\x7f<>\[\]{}\\\s][^\x00-\x1f\x7f<>\[\]{}\\]*$"
_NOT_IN_A_STYLE: Final = re.compile(r"[\x00-\x1f\x7f<>\[\]{}\\\ud800-\udfff]")


def _style(style: str) -> str:
    if _NOT_IN_A_STYLE.search(style):
        raise PydanticCustomError("style", "is no style")
    if not style.strip():
        raise PydanticCustomError("blank", "is blank")
    return style.strip()


def _in_hundredths(speed: float) -> float:
    # Finer differences are not heard, and each would be spoken and paid for.
    return round(speed, 2)


Speed = Annotated[float, Field(ge=SLOWEST, le=FASTEST), AfterValidator(_in_hundredths)]
# A text is measured before anything else looks at it.
Style = Annotated[
    str,
    Field(min_length=1, max_length=MAX_STYLE_LENGTH, json_schema_extra={"pattern": STYLE_PATTERN}),
    AfterValidator(_style),
]
