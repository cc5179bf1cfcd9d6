"""Texts as people paste them, and what is read in each: a file each, read by `tests/unit/test_script_table.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.requests.script.dialogue import Dialogue

FOLDER: Final = Path(__file__).parent
#: Between a text and what is read in it.
_BORDER: Final = "\n%%%\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, and what is expected of it as `described` writes it."""

    name: str
    text: str
    expected: str


def samples() -> Iterator[Sample]:
    """Every text of the table."""
    for path in sorted(FOLDER.glob("*.txt")):
        # Byte for byte: line ends and byte order marks belong to what people paste.
        text, _, expected = path.read_bytes().decode().partition(_BORDER)
        yield Sample(path.stem, text, expected)


def described(dialogue: Dialogue) -> str:
    """A dialogue as the table has it: what is said, what was done at which line, what is wrong, who may be one."""
    said = [
        f"{line} {turn.speaker}: {turn.text.replace(chr(10), ' ⏎ ')}"
        for line, turn in zip(dialogue.lines, dialogue.turns, strict=True)
    ]
    changes: dict[str, list[int]] = {}
    for change in dialogue.changes:
        changes.setdefault(change.kind, []).append(change.line)
    done = [f"{kind} {' '.join(map(str, lines))}" for kind, lines in sorted(changes.items())]
    wrong = [f"wrong {mistake.line}: {mistake.text('en')}" for mistake in dialogue.mistakes]
    merge = [f"alike {', '.join(names)}" for names in dialogue.alike]
    return "\n".join([*said, *(["--", *done, *wrong, *merge] if done or wrong or merge else []), ""])
