"""Files that people have: one script in each encoding of ours, as a Word document, and as what only looks like one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Final

#: Everyday words of both places, in characters that all encodings have.
TRADITIONAL: Final = "小美：你好，今天天氣真好！\n阿明：是啊，我們要不要出去走走？\n"
SIMPLIFIED: Final = "小美：你好，今天天气真好！\n阿明：是啊，我们要不要出去走走？\n"

WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
COMPATIBILITY: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006"

#: By name: the bytes, the text, the encoding that is found.
TEXT_FILES: Final[Mapping[str, tuple[bytes, str, str]]] = {
    "utf-8.txt": (TRADITIONAL.encode(), TRADITIONAL, "UTF-8"),
    "utf-8 with a mark.txt": (TRADITIONAL.encode("utf-8-sig"), TRADITIONAL, "UTF-8"),
    "ascii.txt": (b"Ava: Hello\nBen: Hi\n", "Ava: Hello\nBen: Hi\n", "UTF-8"),
    "utf-16 without a mark.txt": (TRADITIONAL.encode("utf-16-le"), TRADITIONAL, "UTF-16LE"),
    "utf-16 the other way round.txt": (TRADITIONAL.encode("utf-16-be"), TRADITIONAL, "UTF-16BE"),
    "big5.txt": (TRADITIONAL.encode("big5"), TRADITIONAL, "Big5"),
    "gb18030.txt": (SIMPLIFIED.encode("gb18030"), SIMPLIFIED, "GB18030"),
    "gbk, traditional.txt": (
        "主持人：歡迎收聽，謝謝大家的支持。".encode("gbk") * 3,
        "主持人：歡迎收聽，謝謝大家的支持。" * 3,
        "GB18030",
    ),
}
#: What is no text of ours.
NO_TEXT: Final[Mapping[str, bytes]] = {
    "latin-1.txt": "Zoë: Où êtes-vous, très chère Noémi ? Déjà là, à côté.".encode("latin-1"),
    "shift-jis.txt": "ミカ：こんにちは、おはようございます。".encode("shift-jis"),
    "picture.txt": bytes(range(256)) * 8,
}


def document(body: str, head: str = "", part: str = "word/document.xml", times: int = 1) -> bytes:
    """A Word document with this between `<w:body>` and `</w:body>`, so many times over."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(part, "w") as file:
        file.write(f'{head}<w:document xmlns:w="{WORD}" xmlns:mc="{COMPATIBILITY}"><w:body>'.encode())
        for _ in range(times):
            file.write(body.encode())
        file.write(b"</w:body></w:document>")
    return packed.getvalue()


def paragraph(*runs: str, style: str = "") -> str:
    """A paragraph whose words came in several runs, as Word writes them."""
    looks = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{looks}{''.join(f'<w:r><w:t>{run}</w:t></w:r>' for run in runs)}</w:p>"


DOCUMENT: Final = document(
    paragraph("第一場", style="Heading1")
    + paragraph("小", "美：你好", "，走吧")
    + "<w:p><w:r><w:t>阿明：好</w:t><w:br/><w:t>走</w:t></w:r><w:del><w:r><w:delText>不</w:delText></w:r></w:del></w:p>"
    + "<w:p><mc:AlternateContent><mc:Choice><w:r><w:t>小美：早 &amp; 晚</w:t></w:r></mc:Choice>"
    + "<mc:Fallback><w:r><w:t>又一次</w:t></w:r></mc:Fallback></mc:AlternateContent></w:p>"
)
DOCUMENT_TEXT: Final = "# 第一場\n小美：你好，走吧\n阿明：好\n走\n小美：早 & 晚\n"

TABLE: Final = document(
    "<w:tbl>"
    + "".join(
        f"<w:tr><w:tc>{paragraph(name)}</w:tc><w:tc>{paragraph(words)}</w:tc></w:tr>"
        for name, words in (("小美", "你好"), ("阿明", "嗨"))
    )
    + "</w:tbl>"
)

_ENTITY: Final = '<?xml version="1.0"?><!DOCTYPE w:document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
#: What only looks like a document.
NO_DOCUMENT: Final[Mapping[str, bytes]] = {
    "empty.docx": b"",
    "text.docx": TRADITIONAL.encode(),
    "cut off.docx": DOCUMENT[: len(DOCUMENT) // 2],
    "without words.docx": document("", part="word/other.xml"),
    "broken.docx": document("<w:p>"),
    "entities.docx": document("<w:p><w:r><w:t>&b;</w:t></w:r></w:p>", head=_ENTITY),
    "damaged.docx": DOCUMENT[:60] + bytes(8) + DOCUMENT[68:],
    "bomb.docx": document(" " * 1_000_000, times=30),
}
