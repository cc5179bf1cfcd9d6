"""What `POST /dialogues/parse` takes and answers; what is asked of a job is in `schemas.py`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from service.requests.schemas import DialogueText
from service.requests.script.dialogue import ChangeKind, Format, WarningKind

_FORMATS: Final = [one.value for one in Format]


def _format(name: str) -> str:
    if name not in _FORMATS:
        raise PydanticCustomError("one_of", "is unknown", {"expected": ", ".join(_FORMATS)})
    return name


FormatName = Annotated[str, AfterValidator(_format), Field(json_schema_extra={"enum": [*_FORMATS]})]


class ParseRequest(BaseModel):
    """A dialogue as people write it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    dialogue_text: DialogueText = Field(
        description="one turn a line: `A: 你好` or `[Host]: Hello`; or what people paste"
    )
    format: FormatName = Field(
        default="auto", description="what it is written in; `script` changes no line and leaves none out"
    )


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ParsedTurn(_Answer):
    """One line of a dialogue, as it was found: it may be longer than a job's may. `line`: where it begins, 1-based."""

    speaker: str
    text: str
    index: int
    line: int


class ParseMistake(_Answer):
    """What could not be read, at which line."""

    line: int
    message: str


class ParseWarning(_Answer):
    """What a job would take, but its writer may not have meant, at which line."""

    line: int
    kind: WarningKind
    message: str


class ParseChange(_Answer):
    """What was done to a line. `to` is empty where it was left out; long lines are cut."""

    line: int
    kind: ChangeKind
    # `from` is a word of Python.
    before: str = Field(serialization_alias="from")
    after: str = Field(serialization_alias="to")


class MergeSuggestion(_Answer):
    """Speakers who may be one; the first speaks most."""

    kind: Literal["merge_speakers"] = "merge_speakers"
    speakers: list[str]


class ParsedDialogue(_Answer):
    """What was found in a dialogue. `error`: what is wrong, with its line numbers; null when `is_valid`.

    `mistakes`: the same, line by line. `changes`: whatever was done to the text to read it.

    A text that no job can be made of is read to its hundredth mistake, or to one turn more than a job may have.
    """

    turns: list[ParsedTurn]
    speakers: list[str]
    total_characters: int
    is_valid: bool
    error: str | None
    mistakes: list[ParseMistake]
    warnings: list[ParseWarning]
    changes: list[ParseChange]
    suggestions: list[MergeSuggestion]
