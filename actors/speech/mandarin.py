"""How Mandarin is read: traditional or simplified characters become words, and words become syllables in pinyin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from actors.speech.dictionaries import reading_of_phrase, readings_of_character, simplified, words
from actors.speech.readings import ALONE, OWN_WORDS, WITHIN
from actors.speech.sandhi import with_sandhi
from actors.speech.taiwan import NEUTRAL, WORDS, taiwan_reading


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its syllables, `hao3` each. A character that nobody can read has no syllable."""

    text: str
    syllables: tuple[str, ...]


def read_mandarin(text: str, *, taiwan: bool) -> Sequence[Word]:
    """The words of a run of Han characters, with the tones as they are spoken in a row.

    `taiwan`: read as in Taiwan; else as in Beijing.
    """
    found = list(_words(text, taiwan))
    read = [
        Word(word, _reading(word, plain, before, after, taiwan))
        for (word, plain), before, after in _with_neighbours(found)
    ]
    return with_sandhi(read, Word)


def _words(text: str, taiwan: bool) -> Iterator[tuple[str, str]]:
    """Each word as written and in simplified characters; what has an entry of ours is never cut."""
    plain = simplified(text)
    start = 0
    for cut in _cuts(text, plain, taiwan):
        yield text[start:cut], plain[start:cut]
        start = cut


def _cuts(text: str, plain: str, taiwan: bool) -> Sequence[int]:
    """Where words end."""
    ends: list[int] = []
    at = 0
    for word in words(plain):
        at += len(word)
        ends.append(at)
    whole = _own_words_in(text, ends, taiwan)
    inside = {place for start, end in whole for place in range(start + 1, end)}
    borders = {place for span in whole for place in span} - {0}
    return sorted(({*ends} - inside) | borders)


def _own_words_in(text: str, ends: Sequence[int], taiwan: bool) -> Sequence[tuple[int, int]]:
    """The places of words of ours, the longest first from each place; one that begins inside a word that the
    dictionary is sure of (all of it beyond ours) is left alone."""
    spans: list[tuple[int, int]] = []
    at = 0
    borders = {0, *ends}
    while at < len(text):
        length = next((n for n in range(4, 1, -1) if _is_own(text[at : at + n], taiwan)), 0)
        if length > 1 and (at in borders or at + length in borders):
            spans.append((at, at + length))
            at += length
        else:
            at += 1
    return spans


def _is_own(word: str, taiwan: bool) -> bool:
    return word in OWN_WORDS or (taiwan and word in WORDS)


Found = tuple[str, str]


def _with_neighbours(found: Sequence[Found]) -> Iterator[tuple[Found, str, str]]:
    padded = ["", *(word for word, _ in found), ""]
    yield from zip(found, padded, padded[2:], strict=False)


def _reading(word: str, plain: str, before: str, after: str, taiwan: bool) -> tuple[str, ...]:
    if taiwan and word in WORDS:
        return tuple(WORDS[word].split())
    if word in OWN_WORDS:
        syllables: Sequence[str] = OWN_WORDS[word].split()
    elif len(word) == 1:
        syllables = _alone(word, plain, before, after)
    else:
        syllables = _of_phrase(word, plain)
    return tuple(_in_taiwan(word, syllables) if taiwan else syllables)


def _of_phrase(word: str, plain: str) -> Sequence[str]:
    """The longest phrases in a word that the dictionary knows; single characters where it knows none."""
    known = reading_of_phrase(plain) or reading_of_phrase(word)
    if known is not None and len(known) == len(word):
        return known
    for length in range(len(word) - 1, 1, -1):
        for start in range(len(word) - length + 1):
            part = slice(start, start + length)
            known = reading_of_phrase(plain[part]) or reading_of_phrase(word[part])
            if known is not None and len(known) == length:
                return [
                    *_of_phrase(word[:start], plain[:start]),
                    *known,
                    *_of_phrase(word[start + length :], plain[start + length :]),
                ]
    return [syllable for pair in zip(word, plain, strict=True) for syllable in _default(*pair)]


def _default(character: str, plain: str) -> Sequence[str]:
    if character in WITHIN:
        return (WITHIN[character],)
    return (readings_of_character(plain) or readings_of_character(character))[:1]


def _alone(character: str, plain: str, before: str, after: str) -> Sequence[str]:
    """A character that is a word of its own: some are read by what stands beside them."""
    by_neighbours = _BY_NEIGHBOURS.get(character)
    syllable = by_neighbours(before, after) if by_neighbours else None
    syllable = syllable or ALONE.get(character)
    return (syllable,) if syllable else _default(character, plain)


def _must_or_how(before: str, after: str) -> str | None:
    """`我得走` (must), `得了獎` (gets), `跑得快` (how)."""
    if not before:
        return "de2"
    if before in _WHO or before in _MODAL:
        return "de2" if after.startswith(("了", "到", "過", "第")) else "dei3"
    return None


def _how_or_ground(before: str, after: str) -> str | None:
    """`慢慢地走` (how); else ground."""
    adverb = len(before) > 1 and (before[0] == before[1] or before[-1] not in "塊片這那個此")
    return "de5" if adverb and after and after[0] not in "很太是的上下裡裏在有沒被" else None


def _return_or_still(before: str, after: str) -> str | None:
    """`還錢`, `要還了`, `有借有還` (give back); else still, as before what is no Chinese: `我還OK`."""
    if not after:
        return "huan2" if before.endswith(_WANTS) else None
    return "huan2" if after[0] in "給錢書債款清你我他她了" else None


def _grow_or_long(before: str, after: str) -> str | None:
    return "zhang3" if after[:1] in set("得了出大高滿成") else None


def _plant_or_kind(before: str, after: str) -> str | None:
    return "zhong4" if after[:1] in set("樹花菜田稻草果茶") else None


def _row_or_go(before: str, after: str) -> str | None:
    """`這行字` (a row); else go."""
    counted = before[-1:] and before[-1] in "這那一兩三四五六七八九十幾每第哪"
    return "hang2" if counted or after[:1] == "字" else None


def _fall_or_pour(before: str, after: str) -> str | None:
    """`倒了` (fall); `倒水` (pour)."""
    return "dao3" if after[:1] in set("了下塌閉在") else None


def _carry_or_back(before: str, after: str) -> str | None:
    """`背著` (carry); else the back, or learn by heart."""
    return "bei1" if after[:1] in set("著着起") else None


_WHO: Final = frozenset(
    {"我", "你", "妳", "他", "她", "它", "您", "我們", "你們", "他們", "她們", "咱們", "大家", "誰"}
)
_WANTS: Final = ("要", "該", "有", "來", "去", "用", "未", "先", "會", "能", "可以", "想")
_MODAL: Final = frozenset({"就", "還", "也", "都", "又", "總", "可", "只", "非", "必", "便", "才"})
_BY_NEIGHBOURS: Final[Mapping[str, Callable[[str, str], str | None]]] = {
    "得": _must_or_how,
    "地": _how_or_ground,
    "行": _row_or_go,
    "倒": _fall_or_pour,
    "背": _carry_or_back,
    "還": _return_or_still,
    "长": _grow_or_long,
    "長": _grow_or_long,
    "種": _plant_or_kind,
}


def _in_taiwan(word: str, syllables: Sequence[str]) -> Iterator[str]:
    """The same syllables as Taiwan reads them: other tones, and few neutral ones."""
    if len(word) != len(syllables):
        yield from syllables
        return
    doubled = {place + 1 for place, (one, next_one) in enumerate(pairwise(word)) if one == next_one}
    for place, (character, syllable) in enumerate(zip(word, syllables, strict=True)):
        full = syllable
        if syllable.endswith("5") and character not in NEUTRAL and place not in doubled:
            full = next(
                (
                    other
                    for other in readings_of_character(character)
                    if other[:-1] == syllable[:-1] and other[-1] != "5"
                ),
                syllable,
            )
        yield taiwan_reading(character, full)
