"""From a turn to what a vendor is asked to say: lines and silences; and where what it says is found again.

How a turn is read is `directions.py`; how a vendor is told, `providers/delivery.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from actors.directions import Pause, reading_of
from actors.lexicon import Say, as_written
from actors.providers.delivery import deliverable
from actors.providers.provider import Line, Provider
from storage.jobs import Script, Turn

#: Between two sentences that are spoken by themselves because together they are too long.
SENTENCE_PAUSE_MS: Final = 200
#: The end of a sentence, and what closes behind it.
_SENTENCE_END: Final = re.compile(r"[。！？!?…\n]+[\"'”’」』）)]*|\.(?=\s)")

#: Between two pieces of Latin writing that are said in one go after all.
_SPACE: Final = " "


def parts_of(script: Script, turn: Turn, provider: Provider, say: Say = as_written) -> tuple[Line | Pause, ...]:
    """What a turn is made of: one line, or several and silences between them, each as its vendor can say it.

    `say`: how words are said. It sees no tag.

    Where a tag makes no difference to the vendor the words around it are one line.
    """
    parts: list[Line | Pause] = []
    for part in reading_of(turn.text).parts:
        if isinstance(part, Pause):
            parts.append(part)
            continue
        style = part.style or script.style_for(turn)
        asked = Line(say(part.text), script.voice_for(turn), script.language, script.speed_for(turn), style)
        line = deliverable(asked, provider)
        last = parts[-1] if parts else None
        if isinstance(last, Line) and replace(last, text=line.text) == line:
            parts[-1] = replace(last, text=_joined(last.text, line.text))
        else:
            parts.append(line)
    return tuple(_in_pieces(parts, provider))


def lines_in(parts: Sequence[Line | Pause]) -> Iterator[Line]:
    """What is said."""
    return (part for part in parts if isinstance(part, Line))


def characters_of(parts: Sequence[Line | Pause]) -> int:
    """What a vendor bills for all of it."""
    return sum(len(line.text) for line in lines_in(parts))


def digest_of(provider: Provider, parts: Sequence[Line | Pause], take: str | None = None) -> bytes:
    """The address of a turn's segment: that of its line, or one made of those of its pieces and the silences."""
    if len(parts) == 1 and isinstance(parts[0], Line):
        return segment_digest(provider, parts[0], take)
    pieces = [part.ms if isinstance(part, Pause) else segment_digest(provider, part, take).hex() for part in parts]
    return sha256(json.dumps(pieces).encode()).digest()


def segment_digest(provider: Provider, line: Line, take: str | None = None) -> bytes:
    """The address of a segment: everything that decides how it sounds, hashed; `take` where it is not the first.

    What a line is not told, of speed and style, is no part of it: addresses are older than both.
    """
    what: list[Any] = [provider.name, provider.fingerprint, line.voice_id, line.language, line.text]
    if line.speed != 1 or line.style:
        what.append({"speed": line.speed, "style": line.style})
    return sha256(json.dumps([*what, take] if take else what).encode()).digest()


def _in_pieces(parts: Sequence[Line | Pause], provider: Provider) -> Iterator[Line | Pause]:
    """The parts, a line that is too long for its vendor divided at ends of sentences."""
    for part in parts:
        if isinstance(part, Pause) or provider.fits(part.text):
            yield part
            continue
        for place, text in enumerate(pieces_of(part.text, provider.fits)):
            if place:
                yield Pause(SENTENCE_PAUSE_MS)
            yield replace(part, text=text)


def pieces_of(text: str, fits: Callable[[str], bool]) -> Sequence[str]:
    """A text in as few pieces that fit as its sentences allow. A sentence that does not fit is a piece by itself."""
    ends = [*(end.end() for end in _SENTENCE_END.finditer(text)), len(text)]
    pieces: list[str] = []
    begun, at = 0, 0
    for end in ends:
        if at > begun and not fits(text[begun:end].strip()):
            pieces.append(text[begun:at].strip())
            begun = at
        at = end
    return [piece for piece in [*pieces, text[begun:].strip()] if piece]


def _joined(before: str, after: str) -> str:
    is_spaced = before[-1:].isascii() and after[:1].isascii()
    return f"{before}{_SPACE if is_spaced else ''}{after}"
