"""The text of a Word document, a line each paragraph. Nothing in a stranger's file is believed: no size, no XML.

With what Python itself brings, as the text alone is wanted: a library would build the whole document in memory, many
times its size, before anybody could say that it is too large. The page reads it so, too: `static/docx.js`.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import IO, Final
from xml.parsers import expat

from actors.providers.problem import Text
from service.requests.schemas import MAX_DIALOGUE_LENGTH

#: The part with the words, and how many bytes of it are read: the longest script has less than 5 MB as Word writes it.
_PART: Final = "word/document.xml"
MAX_PART_BYTES: Final = 20 * 1024 * 1024
_READ_BYTES: Final = 64 * 1024

_WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "
#: Other drawings of the same words, for programs that cannot draw the first.
_AGAIN: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006 Fallback"
_HEADING: Final = re.compile(r"(?:Heading|heading )?[1-6]|Title")


class NotADocument(Exception):
    """A file is no Word document, or one that is not read."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def text_of_docx(content: bytes) -> str:
    """The words of a document: headings behind a `#`, the cells of a row with tabs between them.

    Raises:
        NotADocument: it is none, declares entities, or is larger than a script can be.
    """
    words = _Words()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(_PART) as part:
            _read(part, words)
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError, EOFError, expat.ExpatError):
        raise NotADocument(_BROKEN) from None
    return words.text


def _read(part: IO[bytes], words: _Words) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = words.begin
    parser.EndElementHandler = words.end
    parser.CharacterDataHandler = words.say
    parser.StartDoctypeDeclHandler = _refuse
    read = 0
    while piece := part.read(_READ_BYTES):
        read += len(piece)
        if read > MAX_PART_BYTES or words.length > MAX_DIALOGUE_LENGTH:
            raise NotADocument(_TOO_LARGE)
        parser.Parse(piece, False)
    parser.Parse(b"", True)


def _refuse(*_declared: object) -> None:
    raise NotADocument(_BROKEN)


class _Words:
    """Takes the elements of a document, keeps its words."""

    def __init__(self) -> None:
        self.length = 0
        self._pieces: list[str] = []
        self._is_text = False
        self._cells = 0
        self._again = 0

    @property
    def text(self) -> str:
        """All of them."""
        return "".join(self._pieces)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._again += name == _AGAIN
        match name.removeprefix(_WORD):
            case "t":
                self._is_text = True
            case "tab":
                self._add("\t")
            case "br" | "cr":
                self._add("\n")
            case "tc":
                if self._cells:
                    self._add("\t")
                self._cells += 1
            case "pStyle" if _HEADING.fullmatch(attributes.get(f"{_WORD}val", "")):
                self._add("# ")
            case _:
                pass

    def end(self, name: str) -> None:
        """An element ends."""
        self._again -= name == _AGAIN
        match name.removeprefix(_WORD):
            case "t":
                self._is_text = False
            case "p":
                self._add(" " if self._cells else "\n")
            case "tr":
                self._cells = 0
                self._add("\n")
            case _:
                pass

    def say(self, text: str) -> None:
        """Text between elements."""
        if self._is_text:
            self._add(text)

    def _add(self, text: str) -> None:
        if not self._again:
            self._pieces.append(text)
            self.length += len(text)


_BROKEN: Final = Text("檔案不是可以讀的 Word 文件（.docx）", "the file is no Word document (.docx) that can be read")
_TOO_LARGE: Final = Text("文件太長，不是一份劇本", "the document is too long for a script")
