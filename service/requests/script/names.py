"""Names of speakers: what stands beside one, and which may be those of one person."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from service.requests.script.lines import EDGE
from storage.jobs import Turn

#: Of so many speakers at most it is asked who may be one: each is compared with each.
_COMPARED: Final = 50
#: So many asides a name may have: `KEVIN (V.O.) (CONT'D)`.
_ASIDES: Final = 3
_CLOSING: Final = {")": "(", "）": "（"}
_ASCII_WORD: Final = re.compile(r"[a-z0-9]+")
_SAYS: Final = re.compile(r"(?:[說説说問问答喊笑嘆叹]?道|[說説说問问答喊]| (?:says|said|asks|asked|replies|replied))$")
_NUMBERED: Final = re.compile(r" ?[0-9]+")


def without_asides(name: str) -> str:
    """`小美（開心）` is 小美. A name that is nothing but an aside stays."""
    return name_and_asides(name)[0]


def name_and_asides(name: str) -> tuple[str, Sequence[str]]:
    """A name, and what stands in brackets behind it, in its order, with the brackets."""
    asides: list[str] = []
    for _ in range(_ASIDES):
        opening = _CLOSING.get(name[-1:])
        if opening is None:
            break
        at = name.rfind(opening)
        before = name[: max(at, 0)].rstrip(EDGE)
        if not before:
            break
        asides.insert(0, name[at:])
        name = before
    return name, asides


def alike(turns: Sequence[Turn]) -> Sequence[Sequence[str]]:
    """Groups of names that differ only in marks, width, case or spaces, or of which one is a part of the other.

    Who speaks most comes first in a group.
    """
    spoken = Counter(turn.speaker for turn in turns)
    if len(spoken) > _COMPARED:
        return ()
    groups: list[list[str]] = []
    for name in sorted(spoken, key=lambda name: (-spoken[name], len(name))):
        group = next((group for group in groups if any(_may_be_one(name, other) for other in group)), None)
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    return [group for group in groups if len(group) > 1]


def _may_be_one(one: str, other: str) -> bool:
    short, long = sorted((_bare(one), _bare(other)), key=len)
    if not short or short == long:
        return bool(short)
    if _NUMBERED.fullmatch(long.removeprefix(short)):
        return False  # `Guest` and `Guest 2`
    if _ASCII_WORD.fullmatch(short.replace(" ", "")):
        # `Kevin` and `Kevin Chen`; not `Ann` and `Anna`.
        return len(short) > 1 and (long.startswith(f"{short} ") or long.endswith(f" {short}"))
    # `主持人小美` and `小美`; not `小美` and `小美媽`.
    return len(short) > 1 and long.replace(" ", "").endswith(short.replace(" ", ""))


def _bare(name: str) -> str:
    """A name in one width and case, of letters and digits alone, without the verb of `小美說` and `Ava says`."""
    wide = unicodedata.normalize("NFKC", without_asides(name)).casefold()
    wide = _SAYS.sub("", wide) or wide
    letters = "".join(character if character.isalnum() else " " for character in wide)
    bare = " ".join(letters.split())
    return bare if any(map(str.isascii, bare.replace(" ", ""))) else bare.replace(" ", "")
