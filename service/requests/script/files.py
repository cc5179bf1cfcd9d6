"""A script as a file: what its name says of its format, and the text in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from actors.providers.problem import Text
from service.requests.script.charsets import UnknownCharset, decoded
from service.requests.script.dialogue import Format
from service.requests.script.docx import NotADocument, text_of_docx

#: No file of a script is larger: the longest text has 200,000 characters of four bytes, a document has pictures too.
MAX_FILE_BYTES: Final = 10 * 1024 * 1024

_DOCX: Final = ".docx"
_FORMATS: Final = {
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".fountain": Format.FOUNTAIN,
    ".srt": Format.SRT,
    ".vtt": Format.VTT,
}
_TOO_LARGE: Final = Text("檔案太大，不是一份劇本", "the file is too large for a script")


class UnreadableFile(Exception):
    """A file that no script can be read from; `text` says why, in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """The text of a file and what it is written in.

    `charset`: the encoding that was found; None for a document. `or_else`: another in which it would be text.
    """

    text: str
    written_in: Format
    charset: str | None
    or_else: str | None = None


def script_file(name: str, content: bytes, charset: str | None = None) -> ScriptFile:
    """A file as a text. `charset`: its encoding, where somebody says it; a document has none.

    Raises:
        UnreadableFile: it is too large, no text in an encoding of ours, no document.
    """
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableFile(_TOO_LARGE)
    ending = PurePath(name).suffix.casefold()
    try:
        if ending == _DOCX:
            return ScriptFile(text_of_docx(content), Format.AUTO, None)
        read = decoded(content, charset)
    except (UnknownCharset, NotADocument) as error:
        raise UnreadableFile(error.text) from None
    return ScriptFile(read.text, _FORMATS.get(ending, Format.AUTO), read.charset, read.or_else)
