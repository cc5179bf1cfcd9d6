"""The lexicon of a user: read, and written as a whole; as JSON or as CSV."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, put
from litestar.params import RawBody

from service.http.errors import AnyRequest
from service.http.messages import ErrorCode
from service.http.operation import JSON, TEXT, Answer, Operation, model_ref
from service.requests.lexicon import CSV, EntryBody, LexiconBody, lexicon_in
from service.resources import Caller, ResourcesDep
from storage.lexicon import Pronunciation, write_csv

#: Either of the two, as `Accept` prefers.
_LEXICON: Final = Answer("The words", {JSON: model_ref(LexiconBody), CSV: TEXT}, kind=LexiconBody)


@get("/lexicon", sync_to_thread=True, operation=Operation({200: _LEXICON}))
def read_lexicon(
    resources: ResourcesDep, user_id: Caller, request: AnyRequest
) -> Response[LexiconBody] | Response[bytes]:
    """The caller's own words and how they are said; as CSV for `Accept: text/csv`."""
    entries = resources.stores.lexicons.get(user_id)
    if request.accept.best_match([JSON, CSV], default=JSON) == CSV:
        headers = {"Content-Disposition": 'attachment; filename="lexicon.csv"', "Vary": "Accept"}
        # The mark before it tells spreadsheets that it is UTF-8.
        return Response(f"\ufeff{write_csv(entries)}".encode(), media_type=CSV, headers=headers)
    return Response(LexiconBody(entries=[_body_of(entry) for entry in entries]), headers={"Vary": "Accept"})


@put(
    "/lexicon",
    sync_to_thread=True,
    operation=Operation({200: _LEXICON}, [ErrorCode.VALIDATION_ERROR, ErrorCode.PAYLOAD_TOO_LARGE], body=LexiconBody),
)
def write_lexicon(resources: ResourcesDep, user_id: Caller, request: AnyRequest, body: RawBody) -> LexiconBody:
    """The caller's words from now on, instead of those before: as JSON, or with `Content-Type: text/csv` as rows of
    word, how it is said, and language."""
    entries = lexicon_in(request, body)
    resources.stores.lexicons.put(user_id, entries)
    return LexiconBody(entries=[_body_of(entry) for entry in entries])


def _body_of(entry: Pronunciation) -> EntryBody:
    # As they were accepted: they are not held against rules that are younger.
    return EntryBody.model_construct(word=entry.word, say_as=entry.say_as, language=entry.language)
