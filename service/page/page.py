"""The web page: its documents, and the static files they need, under an address that changes when a file does.

What a page shows of jobs its modules ask of the API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from service.http.cookies import cookie_of
from service.http.errors import EXCEPTION_HANDLERS, AnyRequest, ApiError, language_of
from service.http.messages import ErrorCode
from service.page.assets import DOCUMENTS, PAGE_LANGUAGES, STATIC_FILES, VERSION, Asset

#: The cookie that remembers the language which a person chose. Without it `Accept-Language` decides.
LANGUAGE_COOKIE: Final = "readthrough-language"

#: All comes from here; nothing is written into the page by a script, so nothing inline is allowed.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",  # samples of voices, and audio that was fetched with a key
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

#: An address with the version of its content never changes its content.
_FOR_EVER: Final = "public, max-age=31536000, immutable"

#: Of a header that says what a client takes, so much is read.
_READ_OF_ACCEPT: Final = 500
_REFUSED: Final = re.compile(r"\s*q=0(\.0*)?\s*")


@get("/", sync_to_thread=False)
def write_page(request: AnyRequest) -> Response[bytes]:
    """Write a dialogue and hand it in."""
    return _page(request, "write")


@get("/jobs", sync_to_thread=False)
def jobs_page(request: AnyRequest) -> Response[bytes]:
    """The list of jobs."""
    return _page(request, "jobs")


@get("/jobs/{job_id:str}", sync_to_thread=False)
def job_page(request: AnyRequest, job_id: FromPath[str]) -> Response[bytes]:
    """One job: its progress, its audio. Whether it exists the page finds out, and says, itself."""
    return _page(request, "job")


@get("/static/{version:str}/{file_path:path}", sync_to_thread=False)
def static_file(request: AnyRequest, version: FromPath[str], file_path: FromPath[Path]) -> Response[bytes]:
    """A static file. A page of an older version gets the present ones, but does not keep them."""
    file = STATIC_FILES.get(file_path.as_posix().lstrip("/"))
    if file is None:
        raise ApiError(ErrorCode.NOT_FOUND)
    return _answer(request, file, {"Cache-Control": _FOR_EVER if version == VERSION else "no-cache"})


def nothing_here(request: AnyRequest, error: NotFoundException) -> Response[Any]:
    """An unknown address: for a person a page with a way home, for a program the error that every address has."""
    accept = request.headers.get("accept", "")[:_READ_OF_ACCEPT].lower()
    if request.method not in ("GET", "HEAD") or "text/html" not in accept:
        return EXCEPTION_HANDLERS[NotFoundException](request, error)
    return _page(request, "missing", status_code=404)


ROUTES: Final = (write_page, jobs_page, job_page, static_file)


def page_language(request: AnyRequest) -> str:
    """The language of the page for this person: what they chose, or else what their browser asks for."""
    chosen = cookie_of(request, LANGUAGE_COOKIE)
    if chosen in PAGE_LANGUAGES:
        return chosen
    return "zh-TW" if language_of(request) == "zh" else "en"


def _page(request: AnyRequest, name: str, status_code: int = 200) -> Response[bytes]:
    language = page_language(request)
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Content-Language": language,
        "Cache-Control": "no-cache",
    }
    answer = _answer(request, DOCUMENTS[name, language], headers, vary="Accept-Language, Cookie, Accept-Encoding")
    answer.status_code = status_code
    return answer


def _answer(
    request: AnyRequest, asset: Asset, headers: Mapping[str, str], vary: str = "Accept-Encoding"
) -> Response[bytes]:
    headers = {**headers, "Vary": vary}
    if not takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(asset.content, media_type=asset.media_type, headers=headers)
    return Response(asset.gzipped, media_type=asset.media_type, headers=headers | {"Content-Encoding": "gzip"})


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client that sends this header reads gzip (RFC 9110, 12.5.3: a weight of 0 refuses a coding)."""
    for part in accept_encoding[:_READ_OF_ACCEPT].lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return not _REFUSED.fullmatch(weight)
    return False
