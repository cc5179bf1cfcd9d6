"""The web page: three templates, and the static files they need, under an address that changes when a file does.

What a page shows of jobs its modules ask of the API; the templates hold words and places, and nobody's data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig

from service.http.cookies import cookie_of
from service.http.errors import AnyRequest, ApiError, language_of
from service.http.messages import ErrorCode

_HERE: Final = Path(__file__).parent

TEMPLATES: Final = TemplateConfig(directory=_HERE / "templates", engine=JinjaTemplateEngine)

#: The cookie that remembers the language which a person chose. Without it `Accept-Language` decides.
LANGUAGE_COOKIE: Final = "readthrough-language"

#: The language tags that the page is written in; each has its words in `static/words/`.
PAGE_LANGUAGES: Final = ("zh-TW", "en")

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

_MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the page."""

    content: bytes
    media_type: str


def _static_files() -> Mapping[str, StaticFile]:
    directory = _HERE / "static"
    return {
        path.relative_to(directory).as_posix(): StaticFile(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in sorted(directory.rglob("*"))
        if path.suffix in _MEDIA_TYPES
    }


#: Every static file by its path. Less than 100 kB in all, so they are kept.
STATIC_FILES: Final = _static_files()

#: Names what the files hold.
VERSION: Final = hashlib.sha256(
    b"".join(name.encode() + file.content for name, file in STATIC_FILES.items())
).hexdigest()[:12]

#: Every word of the page, by language and key.
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: json.loads(STATIC_FILES[f"words/{language}.json"].content) for language in PAGE_LANGUAGES
}


@get("/", sync_to_thread=False)
def write_page(request: AnyRequest) -> Template:
    """Write a dialogue and hand it in."""
    return _page(request, "write")


@get("/jobs", sync_to_thread=False)
def jobs_page(request: AnyRequest) -> Template:
    """The list of jobs."""
    return _page(request, "jobs")


@get("/jobs/{job_id:str}", sync_to_thread=False)
def job_page(request: AnyRequest, job_id: FromPath[str]) -> Template:
    """One job: its progress, its audio. Whether it exists the page finds out, and says, itself."""
    return _page(request, "job")


@get("/static/{version:str}/{file_path:path}", sync_to_thread=False)
def static_file(version: FromPath[str], file_path: FromPath[Path]) -> Response[bytes]:
    """A static file. A page of an older version gets the present ones, but does not keep them."""
    file = STATIC_FILES.get(file_path.as_posix().lstrip("/"))
    if file is None:
        raise ApiError(ErrorCode.NOT_FOUND)
    headers = {"Cache-Control": _FOR_EVER if version == VERSION else "no-cache"}
    return Response(file.content, media_type=file.media_type, headers=headers)


ROUTES: Final = (write_page, jobs_page, job_page, static_file)


def page_language(request: AnyRequest) -> str:
    """The language of the page for this person: what they chose, or else what their browser asks for."""
    chosen = cookie_of(request, LANGUAGE_COOKIE)
    if chosen in PAGE_LANGUAGES:
        return chosen
    return "zh-TW" if language_of(request) == "zh" else "en"


def _page(request: AnyRequest, name: str) -> Template:
    language = page_language(request)
    words = WORDS[language]
    return Template(
        f"{name}.html",
        context={"page": name, "language": language, "t": words.__getitem__, "static": f"/static/{VERSION}"},
        headers={
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Content-Language": language,
            "Vary": "Accept-Language, Cookie",
            "Cache-Control": "no-cache",
        },
    )
