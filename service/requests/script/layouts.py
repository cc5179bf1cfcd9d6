"""How a text names its speakers where it is not by a colon: `小美 — 你好`, `【小美】你好`, a name above its words.

Asked only of texts whose first spoken line has no speaker as a script would have it, so that scripts stay.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from service.requests.script.dialogue import ChangeKind
from service.requests.script.lines import EDGE
from service.requests.script.marks import Bare, Shape
from service.requests.script.plain import speaker_and_text
from service.requests.script.times import name_before_time

#: From a line to who speaks and what; None where it names nobody in this way.
Layout = Callable[[str], "tuple[str, str] | None"]
#: How a line stands out: its shape and, of a heading, its depth.
Standing = tuple[Shape, int]

#: A name that no colon follows has at most so many characters.
_NAME_LENGTH: Final = 30
#: What a name that no colon follows does not hold.
_SENTENCE: Final = re.compile(r"[，。！？；、：…,!?;:\"“”「」『』|｜\t\[\]【】]")
_BRACKETED: Final = re.compile(r"[\[［【]([^\[\]［］【】]{1,50})[\]］】]\s*(\S.*)", re.DOTALL)
_QUOTED: Final = re.compile(r"([^「『“\"]{1,30})[「『“\"](.*)[」』”\"]", re.DOTALL)
_DASHES: Final = (" - ", " – ", " — ", "——", "—", "–")
_ACT: Final = re.compile(r"第.{1,4}[幕場集章回節]|(?:scene|act|part|chapter|episode)\b", re.IGNORECASE)


def is_name(text: str) -> bool:
    """Whether it could be a name: short, and no sentence."""
    return (
        0 < len(text) <= _NAME_LENGTH
        and not _SENTENCE.search(text)
        and not text.replace(".", "").isdigit()
        and not _ACT.match(text)
    )


def layout_of(spoken: Sequence[Bare]) -> Layout | None:
    """The way in which most of the lines name their speakers, if it is one of ours."""
    counts = {layout: sum(layout(bare.text) is not None for bare in spoken) for layout in _LAYOUTS}
    layout, count = max(counts.items(), key=lambda one: one[1])
    needed = len(spoken) / (3 if layout is name_and_time else 2)
    return layout if count >= max(needed, min(2, len(spoken))) and count > 0 else None


def cues_of(bares: Sequence[Bare]) -> frozenset[Standing]:
    """What names stand out by, where they stand above their words: `## 小美`, `**小美**`, `【小美】`, or a line alone.

    Such lines come again, as people do, and below each there are words that name nobody.
    """
    standing = _lines_that_stand_out(bares)
    return frozenset(how for how, lines in standing.items() if _are_names(bares, lines))


def _lines_that_stand_out(bares: Sequence[Bare]) -> Mapping[Standing, Sequence[int]]:
    found: dict[Standing, list[int]] = defaultdict(list)
    for at, bare in enumerate(bares):
        begins_a_block = at == 0 or not bares[at - 1].text
        if bare.text and not bare.as_it_stands and (bare.shape is not Shape.NONE or begins_a_block):
            found[standing_of(bare)].append(at)
    return found


def standing_of(bare: Bare) -> Standing:
    """How the line stands out."""
    return bare.shape, bare.depth


def name_of_cue(bare: Bare) -> str:
    """The name in a line that stands above its words."""
    return bare.text[1:-1].strip(EDGE) if bare.shape is Shape.BRACKET else bare.text


def _are_names(bares: Sequence[Bare], lines: Sequence[int]) -> bool:
    names = Counter(name_of_cue(bares[at]) for at in lines)
    again = sum(count for count in names.values() if count > 1)
    return (
        again * 2 >= len(lines)
        and again > 0
        and all(map(is_name, names))
        and all(_has_words(bares, at) for at in lines)
    )


def _has_words(bares: Sequence[Bare], at: int) -> bool:
    """Whether below this line there are words that name nobody: at once, or where it stands out, after empty lines."""
    below = at + 1
    while below < len(bares) and not bares[below].text and bares[at].shape is not Shape.NONE:
        below += 1
    if below >= len(bares) or not bares[below].text:
        return False
    return bares[below].shape is Shape.NONE and speaker_and_text(bares[below].text) is None


def bracketed(line: str) -> tuple[str, str] | None:
    """`【小美】你好`."""
    found = _BRACKETED.fullmatch(line)
    return None if found is None else (found[1].strip(EDGE), found[2])


def quoted(line: str) -> tuple[str, str] | None:
    """`小美「你好」`."""
    found = _QUOTED.fullmatch(line)
    return None if found is None or not is_name(found[1].strip(EDGE)) else (found[1].strip(EDGE), found[2])


def dashed(line: str) -> tuple[str, str] | None:
    """`小美 — 你好`."""
    return _divided(line, *_DASHES)


def tabbed(line: str) -> tuple[str, str] | None:
    """`小美<tab>你好`, as from a spreadsheet; a number before the name is one of the row."""
    first, _, rest = line.partition("\t")
    return _divided(rest if first.isdigit() and "\t" in rest else line, "\t")


def wide_spaced(line: str) -> tuple[str, str] | None:
    """`小美　你好`, a full-width space between."""
    return _divided(line, "\u3000")


def piped(line: str) -> tuple[str, str] | None:
    """`小美 | 你好`."""
    return _divided(line, "|", "｜")


def name_and_time(line: str) -> tuple[str, str] | None:
    """`小美  00:12`, the words below."""
    name = name_before_time(line)
    return None if name is None or not is_name(name) else (name, "")


def spaced(line: str) -> tuple[str, str] | None:
    """`小美 你好`, as behind the time of a message. Asked only of chats: every sentence with a space looks so."""
    name, _, text = line.partition(" ")
    return (name, text.strip(EDGE)) if text.strip(EDGE) else None


def _divided(line: str, *signs: str) -> tuple[str, str] | None:
    for sign in signs:
        name, found, text = line.partition(sign)
        name, text = name.strip(EDGE), text.strip(EDGE)
        if found and text and is_name(name):
            return name, text
    return None


_LAYOUTS: Final[Sequence[Layout]] = (bracketed, quoted, tabbed, piped, wide_spaced, dashed, name_and_time)
#: What is said to have been done to a line of each.
KIND_OF: Final[Mapping[Layout, ChangeKind]] = {
    **dict.fromkeys((*_LAYOUTS, spaced), ChangeKind.SEPARATOR),
    name_and_time: ChangeKind.TIMECODE,
}
