"""A text, cut where the way of reading changes: sentences, and in them runs of one script.

What cannot be read has its rule here: an address is read as its host, an emoji is passed over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a run is read."""

    HAN = "han"
    KANA = "kana"
    LATIN = "latin"
    #: Commas, stops, quotes and brackets, in the model's own alphabet.
    MARKS = "marks"


@dataclass(frozen=True, slots=True)
class Run:
    """Some text that is read in one way."""

    kind: Kind
    text: str


_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af〇々"
_KANA: Final = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_LATIN: Final = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"

_IS_HAN: Final = re.compile(f"[{_HAN}]")
_IS_KANA: Final = re.compile(f"[{_KANA}]")
_IS_LATIN: Final = re.compile(f"[{_LATIN}]")
_SPEAKABLE: Final = re.compile(f"[{_HAN}{_KANA}{_LATIN}0-9０-９Ａ-Ｚａ-ｚ¼-¾⅐-⅞①-⑳]")

_RUN: Final = re.compile(
    f"(?P<han>[{_HAN}]+)"
    f"|(?P<kana>[{_KANA}]+)"
    # English with what belongs to it: It's 5 o'clock, e-mail, AT&T, 3.5%.
    f"|(?P<latin>[$£€#]?[{_LATIN}0-9](?:[{_LATIN}0-9'’\\-&+%/@=.,:;!?\"“”() °]*[{_LATIN}0-9%+°#])?)"
    r"|(?P<marks>\S|\s+)"
)

#: Marks as the model knows them. What is not here makes no sound and no pause.
_MARKS: Final[Mapping[str, str]] = {
    "，": ", ",
    "、": ", ",
    "､": ", ",
    ",": ", ",
    "。": ". ",
    "．": ". ",
    "｡": ". ",
    ".": ". ",
    "！": "! ",
    "!": "! ",
    "？": "? ",
    "?": "? ",
    "：": ": ",
    ":": ": ",
    "；": "; ",
    ";": "; ",
    "…": "… ",
    "⋯": "… ",
    "—": "— ",
    "–": "— ",
    "―": "— ",
    "─": "— ",
    "～": ", ",
    "~": ", ",
    "〜": ", ",
    "・": " ",
    "·": " ",
    "/": ", ",
    "／": ", ",
    "|": ", ",
    "「": " “",
    "『": " “",
    "“": " “",
    "《": " “",
    "〈": " “",
    "«": " “",
    "」": "” ",
    "』": "” ",
    "”": "” ",
    "》": "” ",
    "〉": "” ",
    "»": "” ",
    "（": " (",
    "(": " (",
    "【": " (",
    "[": " (",
    "［": " (",
    "〔": " (",
    "）": ") ",
    ")": ") ",
    "】": ") ",
    "]": ") ",
    "］": ") ",
    "〕": ") ",
    "&": ", ",
}

_AS_HALF_WIDTH: Final[Mapping[int, int]] = {
    **{code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))},
    **{ord(full): ord(half) for full, half in zip("％＄＋＝＆＠＃－＊＜＞　\u00a0", "%$+=&@#-*<>  ", strict=True)},
    **{code: ord(" ") for code in (*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0))},
}

#: ¼ ½ ¾, ⅐ to ⅞, and ① to ⑳.
_OTHER_FIGURE: Final = re.compile("[¼-¾⅐-⅞①-⑳]")

_ADDRESS: Final = re.compile(
    r"\bhttps?://(?:www\.)?(?P<host>[\w.-]{1,253})(?::\d{1,5})?(?:[/?#][^\s一-鿿，。！？、）」]*)?"
    r"|\bwww\.(?P<site>[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})(?:[/?#][^\s一-鿿，。！？、）」]*)?"
    r"|(?<![\w.])(?P<user>[A-Za-z0-9._+-]{1,64})@(?P<at>[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5})",
    re.ASCII | re.IGNORECASE,
)

#: A sentence ends at a stop with what closes behind it. A Latin full stop is one only before white space and a new
#: beginning, and not behind a title or an initial.
_SENTENCE_END: Final = re.compile(
    "[。｡！？!?…⋯]{1,9}[」』”’\"')）】》]{0,9}(?!\\d)"
    r"|(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bvs)(?<!\bProf)(?<!\bNo)(?<!\b[A-Z])"
    r"\.[\"”’)]{0,9}(?=\s{1,9}\S)(?!\s{1,9}[a-z])"
)


def is_speakable(text: str) -> bool:
    """Whether there is anything in `text` that the languages here can read."""
    return _SPEAKABLE.search(text) is not None


def in_half_width(text: str) -> str:
    """`text` with Latin letters, figures and the signs between them in their narrow form, without control characters
    except the end of a line. `①` is 1, `½` is 1/2."""
    narrow = text.replace("\r\n", "\n").replace("\r", "\n").translate(_AS_HALF_WIDTH)
    return _OTHER_FIGURE.sub(_in_digits, narrow)


def _in_digits(figure: re.Match[str]) -> str:
    digits = unicodedata.normalize("NFKC", figure[0]).replace("⁄", "/")
    # 1½ is no 11/2.
    return f" {digits}" if "/" in digits and figure.string[: figure.start()][-1:].isdigit() else digits


def with_addresses_said(text: str, dot: str) -> str:
    """Addresses as one says them: the host of a page, a mailbox whole. `dot` is the word for the point."""

    def say(found: re.Match[str]) -> str:
        host = (found["host"] or found["site"] or found["at"] or "").strip(".-").replace(".", f" {dot} ")
        return f" {found['user'].replace('.', f' {dot} ')} at {host} " if found["user"] else f" {host} "

    return _ADDRESS.sub(say, text)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, each with what ends it; the last of a line has the line's end behind it."""
    for line in text.split("\n"):
        found = [sentence for sentence in _sentences_of_line(line) if is_speakable(sentence)]
        yield from found[:-1]
        yield from (f"{last}\n" for last in found[-1:])


def _sentences_of_line(line: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE_END.finditer(line):
        yield line[start : end.end()]
        start = end.end()
    yield line[start:]


def has_han(text: str) -> bool:
    """Whether there is a Chinese character (or a kanji) in it."""
    return _IS_HAN.search(text) is not None


def has_kana(text: str) -> bool:
    """Whether there is Japanese in it."""
    return _IS_KANA.search(text) is not None


def has_latin(text: str) -> bool:
    """Whether there is a Latin letter in it."""
    return _IS_LATIN.search(text) is not None


def runs(sentence: str) -> Sequence[Run]:
    """The runs of a sentence, in order."""
    found: list[Run] = []
    for match in _RUN.finditer(sentence):
        kind = Kind(match.lastgroup or Kind.MARKS)
        text = match[0]
        if kind is Kind.MARKS:
            text = " " if text.isspace() else _MARKS.get(text, "")
        if not text:
            continue
        if found and found[-1].kind is kind:
            found[-1] = Run(kind, found[-1].text + text)
        else:
            found.append(Run(kind, text))
    return found
