"""What a director writes into a line: pauses, styles, and sounds that are not read aloud.

`[pause 500ms]` and `[pause 1.5s]` are silence. `[whispering]`, or `（開心）` alike, is the style from there to the
end of the line. `(laughs)` and `（大笑）` are for an actor: they are left out. A bracket behind a backslash is text, so
that `\\(laughs\\)` is read aloud. Brackets around anything else are read as they stand.

Everything here is one walk over a text, and what is between two brackets is looked at up to `_LONGEST` characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from actors.providers.delivery import is_style_word
from actors.providers.refusals import has_something_to_say

SHORTEST_PAUSE_MS: Final = 50
LONGEST_PAUSE_MS: Final = 10_000

#: Between two brackets, in characters: `[pause 12345.678 ms]`, `(she laughs nervously)`.
_LONGEST: Final = 40

#: A bracket that is text; or something within brackets of one kind.
_MARKS: Final = re.compile(
    r"\\([()\[\]（）［］【】])"
    rf"|[\[［【]([^()\[\]（）［］【】\n]{{1,{_LONGEST}}})[\]］】]"
    rf"|[(（]([^()\[\]（）［］【】\n]{{1,{_LONGEST}}})[)）]"
)
_ANY_MARK: Final = re.compile(r"[()\[\]（）［］【】]")
_PAUSE: Final = re.compile(r"pause ?(?P<length>[0-9]{1,5}(?:\.[0-9]{1,3})?) ?(?P<unit>ms|s)")

#: What actors do instead of speaking. Each word in brackets must be one of these, or say how or who.
_SOUNDS: Final = frozenset(
    {
        *("laugh", "laughs", "laughing", "laughter", "chuckle", "chuckles", "chuckling", "giggle", "giggles"),
        *("giggling", "sigh", "sighs", "sighing", "cough", "coughs", "coughing", "sob", "sobs", "sobbing", "cries"),
        *("crying", "gasp", "gasps", "gasping", "yawn", "yawns", "yawning", "sniff", "sniffs", "groan", "groans"),
        *("scream", "screams", "hum", "hums", "humming", "snort", "snorts", "gulp", "gulps", "throat", "beat"),
        *("silence", "applause", "smiles", "smiling", "nods", "nodding", "shrugs", "breath", "breathes", "inhales"),
        *("exhales", "weeps", "weeping", "pause", "pauses"),
    }
)
_MANNERS: Final = frozenset(
    {
        *("a", "an", "the", "he", "she", "they", "it", "both", "all", "everyone", "his", "her", "their", "and", "then"),
        *("softly", "quietly", "loudly", "nervously", "bitterly", "slightly", "deeply", "heavily", "gently", "again"),
        *("little", "long", "short", "deep", "clears", "clearing", "takes", "to", "himself", "herself", "themselves"),
    }
)
_ACTS: Final = re.compile(
    "(?:(?:他|她|大家|眾人|众人|全場|全场)?(?:忍不住|偷偷|輕輕|轻轻|深深|長長|长长|低聲|低声|小聲|小声|大聲|大声)?(?:地|的)?)"
    "(?:[大微苦冷狂乾干傻竊窃偷輕轻]?笑|[嘆歎叹](?:氣|气|息|口氣|口气)|[乾干輕轻]?咳(?:嗽)?|清(?:喉嚨|喉咙|嗓子|嗓)|[大痛]?哭|啜泣|哽咽"
    "|喘氣|喘气|[打]?哈欠|打呵欠|吸鼻子|沉默|沈默|停頓|停顿|靜默|静默|鼓掌|掌聲|掌声|尖叫|呻吟|打嗝|[點点摇搖]頭|[点摇]头|聳肩|耸肩|深呼吸)"
    "(?:了|著|着|聲|声|起來|起来)?(?:一聲|一声|兩聲|两声|幾聲|几声|一下|片刻|一會兒|一会儿|不語|不语)?"
)


@dataclass(frozen=True, slots=True)
class Words:
    """What is said in one go. `style`: as the line itself says, where it does."""

    text: str
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence, in milliseconds."""

    ms: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A line as it is to be said. `left_out`: what in it is not read aloud. `bad_pauses`: those that are none."""

    parts: Sequence[Words | Pause]
    left_out: Sequence[str] = ()
    bad_pauses: Sequence[str] = ()

    @property
    def pause_ms(self) -> int:
        """All of its silence."""
        return sum(part.ms for part in self.parts if isinstance(part, Pause))

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing in it that could be said, nor a pause."""
        return not any(isinstance(part, Pause) or has_something_to_say(part.text) for part in self.parts)


def reading_of(text: str) -> Reading:
    """A line as it is to be said. One without a direction is one `Words` of exactly its text."""
    if not _ANY_MARK.search(text):
        return Reading((Words(text),))
    writer = _Writer()
    at = 0
    for mark in _MARKS.finditer(text):
        writer.say(text[at : mark.start()])
        writer.take(mark)
        at = mark.end()
    writer.say(text[at:])
    return writer.reading(text)


def caption_of(text: str) -> str:
    """A line as it is read by those who cannot hear it: without tags; what an actor does stays."""
    if not _ANY_MARK.search(text):
        return text
    kept = _MARKS.sub(_in_a_caption, text)
    return kept if kept == text else " ".join(kept.split())


class _Writer:
    """Puts a line together, part by part."""

    def __init__(self) -> None:
        self._parts: list[Words | Pause] = []
        self._said: list[str] = []
        self._style: str | None = None
        self._left_out: list[str] = []
        self._bad: list[str] = []
        self._is_directed = False

    def say(self, text: str) -> None:
        if self._said and self._said[-1][-1:].isspace() and self._left_out:
            text = text.removeprefix(" ")  # of the two around what was left out
        if text:
            self._said.append(text)

    def take(self, mark: re.Match[str]) -> None:
        literal, tag, aside = mark.groups()
        if literal is not None:
            self.say(literal)
            return
        words = " ".join((tag if tag is not None else aside).split()).casefold()
        if tag is not None and (words == "pause" or words.startswith("pause ")):
            self._pause(words, mark[0])
        elif is_style_word(words):
            self._end_words()
            self._style = words
        elif is_stage_direction(words):
            self._left_out.append(mark[0])
            self._is_directed = True
        else:
            self.say(mark[0])

    def reading(self, text: str) -> Reading:
        self._end_words(is_the_end=True)
        parts = self._parts
        if not self._is_directed and not self._bad:
            # Brackets that are text alone: it is said as it stands, at the address that it always had.
            parts = [Words("".join(part.text for part in parts if isinstance(part, Words)) or text)]
        return Reading(tuple(parts), tuple(self._left_out), tuple(self._bad))

    def _pause(self, words: str, written: str) -> None:
        length_ms = pause_ms_of(words)
        if length_ms is None:
            self._bad.append(written)
            return
        self._end_words()
        last = self._parts[-1] if self._parts else None
        if isinstance(last, Pause):
            self._parts[-1] = Pause(last.ms + length_ms)
        else:
            self._parts.append(Pause(length_ms))

    def _end_words(self, *, is_the_end: bool = False) -> None:
        said, self._said = "".join(self._said), []
        self._is_directed = self._is_directed or not is_the_end
        text = said.strip() if self._is_directed else said
        if text and (not self._is_directed or has_something_to_say(text)):
            self._parts.append(Words(text, self._style))


def pause_ms_of(words: str) -> int | None:
    """How long `pause 500ms` or `pause 1.5s` is; None when it is not within the bounds, or says something else."""
    found = _PAUSE.fullmatch(words)
    if found is None:
        return None
    length_ms = int(Decimal(found["length"]) * (1000 if found["unit"] == "s" else 1))
    return length_ms if SHORTEST_PAUSE_MS <= length_ms <= LONGEST_PAUSE_MS else None


def is_stage_direction(words: str) -> bool:
    """Whether words in brackets say what an actor does: `she laughs softly`, `嘆了一口氣`."""
    if _ACTS.fullmatch(words.strip()):
        return True
    given = words.casefold().split()
    return not _SOUNDS.isdisjoint(given) and all(word in _SOUNDS or word in _MANNERS for word in given)


def _in_a_caption(mark: re.Match[str]) -> str:
    literal, tag, aside = mark.groups()
    if literal is not None:
        return literal
    words = " ".join((tag if tag is not None else aside).split()).casefold()
    return " " if pause_ms_of(words) is not None or is_style_word(words) else mark[0]


def spoken_texts(reading: Reading) -> Iterator[str]:
    """What of a line is said, piece by piece."""
    return (part.text for part in reading.parts if isinstance(part, Words))
