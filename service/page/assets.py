"""What the page is sent as: its static files, words and documents, read and compressed once, when the service starts.

A few hundred kilobytes in all, so everything is kept in memory.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE: Final = Path(__file__).parent

#: The language tags that the page is written in; each has its words in `static/words/`.
PAGE_LANGUAGES: Final = ("zh-TW", "en")

#: The documents, each made of the template of its name.
PAGES: Final[Sequence[str]] = ("write", "jobs", "job", "missing")

_MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """Something to send: as it is, and compressed for whoever takes gzip."""

    content: bytes
    gzipped: bytes
    media_type: str


def _asset(content: bytes, media_type: str) -> Asset:
    # Without a time, so that every process of a service sends the same bytes.
    return Asset(content, gzip.compress(content, compresslevel=9, mtime=0), media_type)


def _static_files() -> Mapping[str, Asset]:
    directory = _HERE / "static"
    return {
        path.relative_to(directory).as_posix(): _asset(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in sorted(directory.rglob("*"))
        if path.suffix in _MEDIA_TYPES
    }


#: Every static file by its path.
STATIC_FILES: Final = _static_files()

#: Names what the files hold.
VERSION: Final = hashlib.sha256(
    b"".join(name.encode() + file.content for name, file in STATIC_FILES.items())
).hexdigest()[:12]

#: Every word of the page, by language and key.
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: json.loads(STATIC_FILES[f"words/{language}.json"].content) for language in PAGE_LANGUAGES
}


def _documents() -> Mapping[tuple[str, str], Asset]:
    templates = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined)
    return {
        (name, language): _asset(
            templates.get_template(f"{name}.html")
            .render(page=name, language=language, t=WORDS[language].__getitem__, static=f"/static/{VERSION}")
            .encode(),
            "text/html",
        )
        for name in PAGES
        for language in PAGE_LANGUAGES
    }


#: Every document by name and language. They hold words and places, and nobody's data.
DOCUMENTS: Final = _documents()
