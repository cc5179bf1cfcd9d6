"""POST /dialogues/parse: what `dialogue_text.py` makes of a text, as an answer."""

from __future__ import annotations

from litestar import post
from litestar.params import RawBody

from service.http.errors import AnyRequest, InvalidRequest, language_of
from service.http.json_body import read_json, read_model
from service.requests.schemas import ParsedDialogue, ParseRequest, TurnBody
from service.requests.script import parse_dialogue


@post("/dialogues/parse", status_code=200, sync_to_thread=True)
def parse_dialogue_text(request: AnyRequest, body: RawBody) -> ParsedDialogue:
    """The turns and speakers of a dialogue as people write it."""
    asked, problems = read_model(ParseRequest, read_json(request, body))
    if asked is None:
        raise InvalidRequest(problems)
    dialogue = parse_dialogue(asked.dialogue_text)
    error = dialogue.error(language_of(request))
    return ParsedDialogue(
        turns=[TurnBody(speaker=turn.speaker, text=turn.text, index=turn.index) for turn in dialogue.turns],
        speakers=dialogue.speakers,
        total_characters=dialogue.total_characters,
        is_valid=error is None,
        error=error,
    )
