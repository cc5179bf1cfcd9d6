"""From the bytes of a text file to its text: the encodings that people here have, in a strict order.

The page does the same in `static/charsets.js`; a test holds both to the same files.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Final

from actors.providers.problem import Text

#: How each is called, and Python's codecs for it in the order in which they are tried.
CODECS: Final = {
    "UTF-8": ("utf-8-sig",),
    "UTF-16": ("utf-16",),
    "UTF-16LE": ("utf-16-le",),
    "UTF-16BE": ("utf-16-be",),
    "Big5": ("big5hkscs", "cp950"),
    "GB18030": ("gb18030",),
}
#: So much of what is not ASCII must be characters that an encoding has for everyday text.
_EVERYDAY: Final = 0.7


class UnknownCharset(Exception):
    """A file is in none of our encodings, or not in the one that was named."""

    def __init__(self, charset: str | None = None) -> None:
        text = _NOT_THIS.filled(charset=charset) if charset else _NONE_OF_OURS
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and what it was in. `or_else`: the other encoding in which the bytes would be text, if there is one."""

    text: str
    charset: str
    or_else: str | None = None


def decoded(content: bytes, charset: str | None = None) -> Decoded:
    """The text of a file, in the named encoding or in the one that is found.

    A byte order mark tells; then UTF-8, which nothing else looks like; then UTF-16 by its zeros; then Big5 or GB18030,
    whichever has more of its everyday characters in the text.

    Raises:
        UnknownCharset: it is in none of them.
    """
    if charset is not None:
        text = _text_in(content, charset)
        if text is None:
            raise UnknownCharset(charset)
        return Decoded(text, charset)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        found = ["UTF-16"]
    elif b"\0" in content:
        found = ["UTF-16BE" if content[::2].count(0) > content[1::2].count(0) else "UTF-16LE"]
    else:
        found = ["UTF-8", *_chinese(content)]
    texts = [(name, text) for name in found if (text := _text_in(content, name)) is not None]
    if not texts:
        raise UnknownCharset
    (name, text), *others = texts
    return Decoded(text, name, others[0][0] if others and name != "UTF-8" else None)


def _text_in(content: bytes, charset: str) -> str | None:
    for codec in CODECS[charset]:
        try:
            text = content.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    return None


def _chinese(content: bytes) -> list[str]:
    """Big5 and GB18030, the likelier first; without what a text is hardly in."""
    big5 = gb = total = at = 0
    while at < len(content):
        lead = content[at]
        if lead < 0x80:
            at += 1
            continue
        trail = content[at + 1] if at + 1 < len(content) else 0
        total += 1
        big5 += 0xA1 <= lead <= 0xC6 and (0x40 <= trail <= 0x7E or 0xA1 <= trail <= 0xFE)
        gb += (0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xD7) and 0xA1 <= trail <= 0xFE
        at += 2
    likely = sorted((("Big5", big5), ("GB18030", gb)), key=lambda one: -one[1])
    return [name for name, count in likely if count >= _EVERYDAY * total]


_NONE_OF_OURS: Final = Text(
    "檔案不是 UTF-8、UTF-16、Big5 或 GB18030 的文字", "the file is no text in UTF-8, UTF-16, Big5 or GB18030"
)
_NOT_THIS: Final = Text("檔案不是 {charset} 的文字", "the file is no text in {charset}")
