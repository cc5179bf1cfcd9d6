"""How long a regular expression can take: a rough look at its parsed form, which finds what was slow here.

Of a pattern in which no part without an upper bound competes with another for the same characters, the time grows with
the length of the text. Three shapes break that:

- a part without a bound inside another: `(a+)+`;
- two in a row that can match the same, with nothing between them that must be there and differs: `\\s*;?\\s*`;
- in a search, one that every position of the text may begin, and after which the match can still fail: `[a-z]+:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Final

# What `re` itself parses with. It has no types, and no promise that it stays: this is a tool, not the product.
op: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

Item = tuple[Any, Any]

#: Characters by which the sets of a pattern are compared: ASCII, some wide ones, and a few of other kinds.
_SAMPLE: Final = frozenset(
    [*map(chr, range(0x180)), *"　、。：，！？；「」『』［］【】“”", "中", "あ", "\u2028", "\ufeff"]
)
_REPEATS: Final = (op.MAX_REPEAT, op.MIN_REPEAT)
_CATEGORIES: Final = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}


def danger_in(pattern: str, *, tried_everywhere: bool) -> str | None:
    """Why a pattern can take more than linear time; None where no reason was found.

    `tried_everywhere`: it is searched for, not matched from the beginning.
    """
    sequences = list(_sequences(parser.parse(pattern)))
    if any(_is_unbounded(item) and _holds_unbounded(item) for sequence in sequences for item in sequence):
        return "a part without a bound inside another"
    if any(_competes(sequence) for sequence in sequences):
        return "two parts without a bound that can match the same"
    if tried_everywhere and _reads_on_from_everywhere(sequences[0]):
        return "searched for, and reads on from every position"
    return None


def _sequences(parsed: Any) -> Iterator[Sequence[Item]]:
    """The pattern as a row of items, groups that merely group taken apart; then what stands in each other group."""
    row = list(_flat(parsed))
    yield row
    for kind, argument in row:
        if kind in _REPEATS or kind is op.POSSESSIVE_REPEAT:
            yield from _sequences(argument[2])
        elif kind is op.BRANCH:
            for branch in argument[1]:
                yield from _sequences(branch)
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            yield from _sequences(argument[1])


def _flat(parsed: Any) -> Iterator[Item]:
    for kind, argument in parsed:
        if kind is op.SUBPATTERN:
            yield from _flat(argument[3])
        elif kind is op.ATOMIC_GROUP:
            yield from _flat(argument)
        else:
            yield kind, argument


def _is_unbounded(item: Item) -> bool:
    return item[0] in _REPEATS and item[1][1] is op.MAXREPEAT


def _holds_unbounded(item: Item) -> bool:
    return any(_is_unbounded(inner) for sequence in _sequences(item[1][2]) for inner in sequence)


def _competes(sequence: Sequence[Item]) -> bool:
    for at, item in enumerate(sequence):
        if not _is_unbounded(item):
            continue
        wanted = _characters(item)
        for later in sequence[at + 1 :]:
            if _is_unbounded(later) and wanted & _characters(later):
                return True
            if _must_match(later) and not wanted & _characters(later):
                break  # what stands between them ends the first
    return False


def _reads_on_from_everywhere(sequence: Sequence[Item]) -> bool:
    if sequence and sequence[0] in [(op.AT, op.AT_BEGINNING), (op.AT, op.AT_BEGINNING_STRING)]:
        return False
    for at, item in enumerate(sequence):
        if _is_unbounded(item) and any(_can_fail(later) for later in sequence[at + 1 :]):
            begins_in_it = all(
                _characters(before) & _characters(item) for before in sequence[:at] if _must_match(before)
            )
            if begins_in_it:
                return True
    return False


def _can_fail(item: Item) -> bool:
    return item[0] in (op.AT, op.ASSERT, op.ASSERT_NOT, op.GROUPREF) or _must_match(item)


def _must_match(item: Item) -> bool:
    """Whether the item takes at least one character."""
    kind, argument = item
    if kind in (op.AT, op.ASSERT, op.ASSERT_NOT):
        return False
    if kind in _REPEATS or kind is op.POSSESSIVE_REPEAT:
        return argument[0] > 0 and any(_must_match(inner) for inner in _flat(argument[2]))
    if kind is op.BRANCH:
        return all(any(_must_match(inner) for inner in _flat(branch)) for branch in argument[1])
    return kind is not op.GROUPREF


def _characters(item: Item) -> frozenset[str]:
    """Every character of the sample that can stand anywhere in what the item matches."""
    kind, argument = item
    if kind in _REPEATS or kind is op.POSSESSIVE_REPEAT:
        return _all_of(argument[2])
    if kind is op.BRANCH:
        return frozenset[str]().union(*(_all_of(branch) for branch in argument[1]))
    if kind is op.LITERAL:
        return frozenset(chr(argument))
    if kind is op.NOT_LITERAL:
        return _SAMPLE - {chr(argument)}
    if kind is op.ANY:
        return _SAMPLE
    if kind is op.IN:
        return _in_set(argument)
    return frozenset()


def _all_of(parsed: Any) -> frozenset[str]:
    return frozenset[str]().union(*(_characters(item) for item in _flat(parsed)))


def _in_set(parts: Sequence[Item]) -> frozenset[str]:
    found = set[str]()
    for kind, argument in parts:
        if kind is op.LITERAL:
            found.add(chr(argument))
        elif kind is op.RANGE:
            found |= {character for character in _SAMPLE if argument[0] <= ord(character) <= argument[1]}
        elif kind is op.CATEGORY:
            found |= {character for character in _SAMPLE if re.match(_CATEGORIES[argument], character)}
    return _SAMPLE - found if (op.NEGATE, None) in parts else frozenset(found)
