"""Tones in a row: of two third tones the first becomes a second one (你好), and 一 and 不 follow their neighbour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

#: 一 keeps its own tone where it is counted or spelled: behind or before one of these.
_ORDINAL_BEFORE: Final = frozenset("第初期統统唯單单專专一週周零〇二三四五六七八九十百點点")
_ORDINAL_AFTER: Final = frozenset("一月日號号二三四五六七八九零〇樓楼")


#: Words of one third tone that belong to what stands before them.
_LEANING_BACK: Final = frozenset("裡裏里")


class _Word(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def syllables(self) -> tuple[str, ...]: ...


W = TypeVar("W", bound=_Word)


def with_sandhi(words: Sequence[W], make: Callable[[str, tuple[str, ...]], W]) -> Sequence[W]:
    """The same words with the tones that they have when spoken together."""
    characters = [character for word in words for character in word.text if len(word.text) == len(word.syllables)]
    flat = [syllable for word in words for syllable in word.syllables]
    if len(characters) == len(flat):
        flat = _one_and_not(characters, flat)
    spoken = iter(_third_tones(words, flat))
    return [make(word.text, tuple(next(spoken) for _ in word.syllables)) for word in words]


def _one_and_not(characters: Sequence[str], syllables: Sequence[str]) -> list[str]:
    """一 before a fourth tone is yí, before others yì; 不 before a fourth tone is bú; between two alike both fade."""
    spoken = list(syllables)
    for place, character in enumerate(characters):
        if character not in "一不":
            continue
        before_character = characters[place - 1] if place else ""
        after, after_character = (
            (syllables[place + 1], characters[place + 1]) if place + 1 < len(syllables) else ("", "")
        )
        if character == "一" and syllables[place].startswith("yi"):
            spoken[place] = "yi1"  # the dictionary has it as spoken in some phrases and as written in others
        if not after:
            continue
        if character == "不" and syllables[place].startswith("bu"):
            spoken[place] = "bu2" if _tone(after, after_character) == "4" else "bu4"
        elif character == "一" and before_character not in _ORDINAL_BEFORE and after_character not in _ORDINAL_AFTER:
            if before_character == after_character:
                spoken[place] = "yi5"
            elif _tone(after, after_character) == "5":
                continue  # 之一的
            else:
                spoken[place] = "yi2" if _tone(after, after_character) == "4" else "yi4"
    return spoken


def _tone(syllable: str, character: str) -> str:
    """The tone that counts for its left neighbour: 個 is a fourth tone, though it is spoken without one."""
    return "4" if character in "個个" else syllable[-1]


def _third_tones(words: Sequence[_Word], syllables: Sequence[str]) -> list[str]:
    """Of two third tones in a row the first becomes a second one: inside words, then between them."""
    spoken = list(syllables)
    starts: list[int] = []
    at = 0
    for word in words:
        starts.append(at)
        at += len(word.syllables)
    ends = [*starts[1:], at]
    for start, end in zip(starts, ends, strict=True):
        _soften(spoken, range(start, end - 1))
    # Between words only where a short one leans on the next: 我 想, 很 好.
    _soften(
        spoken,
        [
            end - 1
            for place, (start, end, next_end) in enumerate(zip(starts, ends, ends[1:], strict=False))
            if end - start == 1 and next_end > end and words[place].text not in _LEANING_BACK
        ],
    )
    return spoken


def _soften(syllables: list[str], places: Sequence[int]) -> None:
    for place in places:
        if syllables[place].endswith("3") and syllables[place + 1].endswith("3"):
            syllables[place] = syllables[place][:-1] + "2"
