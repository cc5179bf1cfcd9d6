"""Chats as programs export them, and transcripts with times: what stands in them beside what was said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from service.requests.script.dialogue import ChangeKind
from service.requests.script.layouts import spaced
from service.requests.script.lines import Line
from service.requests.script.marks import Bare
from service.requests.script.plain import speaker_and_text
from service.requests.script.times import begins_with_a_date, is_date, without_time

#: The first line of a chat that LINE has exported, and how the second begins.
_LINE_HEADER: Final = "[LINE]"
_SAVED: Final = ("儲存日期", "Saved on")
#: What a chat says in the place of a picture.
_ATTACHMENTS: Final = frozenset(
    ["[貼圖]", "[照片]", "[影片]", "[語音訊息]", "[檔案]", "<省略媒體檔>", "<省略多媒體檔>", "<已省略媒體>"]
) | {
    *("[sticker]", "[stickers]", "[photo]", "[photos]", "[video]", "[voice message]", "[file]"),
    *("<media omitted>", "image omitted", "video omitted", "audio omitted", "sticker omitted"),
}


def is_a_chat(lines: Sequence[Line]) -> bool:
    """Whether a text is an export of messages: by its header, or by the date and the time of the first."""
    if any(line.text.startswith(_LINE_HEADER) for line in lines[:3]):
        return True
    first = next(_first_words(lines), "")
    return begins_with_a_date(first) and without_time(first) is not None


def begins_with_time(lines: Sequence[Line]) -> bool:
    """Whether the first words of a text have a time before them. In a script of ours they have a name."""
    return without_time(next(_first_words(lines), "")) is not None


def is_attachment(text: str) -> bool:
    """Whether a message is no words but a picture, a sticker, a file."""
    return text.casefold().strip("\u200e") in _ATTACHMENTS


def leave_out_notices(bares: Sequence[Bare]) -> None:
    """Of a chat: its header, its dates, and what it says by itself."""
    for bare in bares:
        text = bare.line.text
        if bare.text and (is_date(text) or text.startswith((_LINE_HEADER, *_SAVED))):
            bare.leaves(ChangeKind.METADATA)
        elif bare.has_time and not _is_message(bare):
            bare.leaves(ChangeKind.NOTICE)


def _first_words(lines: Sequence[Line]) -> Iterator[str]:
    """The lines with words in them, without what may stand above a transcript."""
    is_line = any(line.text.startswith(_LINE_HEADER) for line in lines[:3])
    above = (_LINE_HEADER, "#", "---", *(_SAVED if is_line else ()))
    return (line.text for line in lines if line.text and not is_date(line.text) and not line.text.startswith(above))


def _is_message(bare: Bare) -> bool:
    """Behind a time alone, `小美 你好` is a message; behind a date, only a colon or a tab makes one."""
    if "\t" in bare.text or speaker_and_text(bare.text) is not None:
        return True
    return not begins_with_a_date(bare.line.text) and spaced(bare.text) is not None
