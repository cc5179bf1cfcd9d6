"""POST /dialogues/parse: what `requests/script/` makes of a text, as an answer."""

from __future__ import annotations

from typing import Any

from litestar import post
from litestar.params import RawBody

from actors.providers.problem import Language
from service.http.errors import AnyRequest, InvalidRequest, language_of
from service.http.json_body import read_json
from service.http.messages import ErrorCode
from service.http.operation import Operation, model
from service.requests.parse_schemas import (
    MergeSuggestion,
    ParseChange,
    ParsedDialogue,
    ParsedTurn,
    ParseMistake,
    ParseRequest,
    ParseWarning,
)
from service.requests.script.dialogue import Dialogue, Format
from service.requests.script.reader import parse_dialogue
from service.requests.validation import Problems, read_model


@post(
    "/dialogues/parse",
    status_code=200,
    sync_to_thread=True,
    operation=Operation(
        {200: model("What was found, and what is wrong", ParsedDialogue)},
        [ErrorCode.VALIDATION_ERROR, ErrorCode.PAYLOAD_TOO_LARGE],
        body=ParseRequest,
        name="parse_dialogue",
    ),
)
def parse_dialogue_text(request: AnyRequest, body: RawBody) -> ParsedDialogue:
    """The turns and speakers of a dialogue as people write it."""
    return parsed(read_json(request, body), language_of(request))


def parsed(body: Any, language: Language) -> ParsedDialogue:
    """The answer to a body.

    Raises:
        InvalidRequest: it is not as `ParseRequest` says.
    """
    problems = Problems()
    asked = read_model(ParseRequest, body, problems)
    if asked is None:
        raise InvalidRequest(problems.found)
    return _answer(parse_dialogue(asked.dialogue_text, Format(asked.format)), language)


def _answer(dialogue: Dialogue, language: Language) -> ParsedDialogue:
    error = dialogue.error(language)
    return ParsedDialogue(
        turns=[
            ParsedTurn(speaker=turn.speaker, text=turn.text, index=turn.index, line=line)
            for turn, line in zip(dialogue.turns, dialogue.lines, strict=True)
        ],
        speakers=dialogue.speakers,
        total_characters=dialogue.total_characters,
        is_valid=error is None,
        error=error,
        mistakes=[ParseMistake(line=one.line, message=one.text(language)) for one in dialogue.mistakes],
        warnings=[ParseWarning(line=one.line, kind=one.kind, message=one.text(language)) for one in dialogue.warnings],
        changes=[
            ParseChange(line=one.line, kind=one.kind, before=one.before, after=one.after) for one in dialogue.changes
        ],
        suggestions=[MergeSuggestion(speakers=[*names]) for names in dialogue.alike],
    )
