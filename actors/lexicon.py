"""How words are said: a text goes in as it is written, and comes out as it is to be spoken.

The longest word that stands at a place is taken, and what it becomes is not looked at again. In writing that divides
its words (Latin, Cyrillic, Greek, Arabic, ...) only whole words are found; in Chinese, Japanese, Korean, Thai and their
neighbours, wherever they stand. A word of one language is for lines in that language. Small and capital letters differ.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from actors.providers.provider import suits
from storage.lexicon import Pronunciation

#: From a text as it is written to the text as it is spoken.
Say = Callable[[str], str]

#: Writing without spaces between words that is as narrow as Latin's: Thai to Tibetan, Burmese, Khmer.
_UNDIVIDED: Final = ((0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x19E0, 0x1AAF))


@dataclass(slots=True)
class _Node:
    """What may follow, character by character; `say_as` where a word ends."""

    then: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    say_as: str | None = None


class Lexicon:
    """The words of one language, of which the first of the same writing counts. May be shared by threads."""

    def __init__(self, entries: Iterable[Pronunciation], language: str) -> None:
        """`language`: of the lines, a BCP 47 tag."""
        self._root = _Node()
        # A word of just this language goes before one of any.
        heard = [entry for entry in entries if entry.language is None or suits(entry.language, language)]
        for entry in sorted(heard, key=lambda entry: entry.language is None):
            self._add(entry)

    def say(self, text: str) -> str:
        """The text as it is spoken: in time that grows with its length, and with that of the longest word."""
        if not self._root.then:
            return text
        said: list[str] = []
        at = kept_from = 0
        while at < len(text):
            end, say_as = self._longest_at(text, at)
            if say_as is None:
                at += 1
                continue
            said += [text[kept_from:at], say_as]
            at = kept_from = end
        return "".join([*said, text[kept_from:]])

    def _add(self, entry: Pronunciation) -> None:
        node = self._root
        for character in entry.word:
            node = node.then.setdefault(character, _Node())
        if node.say_as is None:
            node.say_as = entry.say_as

    def _longest_at(self, text: str, start: int) -> tuple[int, str | None]:
        """(where the longest word that begins here ends, how it is said); None for no word."""
        node, found = self._root, (start, None)
        if text[start] not in node.then or _is_within_a_word(text, start):
            return found
        for at in range(start, len(text)):
            following = node.then.get(text[at])
            if following is None:
                break
            node = following
            if node.say_as is not None and not _is_within_a_word(text, at + 1):
                found = at + 1, node.say_as
        return found


def lexicon_of(entries: Iterable[Pronunciation], language: str) -> Say:
    """How the lines of a language are said with these words."""
    return Lexicon(entries, language).say


def as_written(text: str) -> str:
    """How a line is said without a lexicon."""
    return text


def _is_within_a_word(text: str, at: int) -> bool:
    """Whether the places before and behind `at` belong to one word of a writing that divides its words."""
    return 0 < at < len(text) and _is_of_a_word(text[at - 1]) and _is_of_a_word(text[at])


def _is_of_a_word(character: str) -> bool:
    if character.isascii():
        return character.isalnum()
    if unicodedata.east_asian_width(character) in "WF":
        return False
    if any(first <= ord(character) <= last for first, last in _UNDIVIDED):
        return False
    return character.isalnum() or unicodedata.category(character).startswith("M")
