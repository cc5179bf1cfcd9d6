"""What stands around a Markdown script and is none of it: who appears in it, `Here is your script:`, `Enjoy!`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from service.requests.script.dialogue import ChangeKind
from service.requests.script.layouts import bracketed, quoted
from service.requests.script.marks import Bare, Shape
from service.requests.script.plain import speaker_and_text

#: Headings above those who appear.
_CAST: Final = frozenset(
    ["角色", "人物", "登場人物", "角色介紹", "人物介紹", "角色列表", "人物表", "角色表", "演員表"]
) | {"characters", "cast", "cast list", "roles", "dramatis personae", "speakers"}


def leave_out_cast(bares: Sequence[Bare]) -> None:
    """Leave out who appears, `- 小美：女主角`, below a heading that says so, up to the next heading or divider."""
    is_cast = False
    for bare in bares:
        title = bare.text.rstrip(":： ").casefold()
        if bare.shape in {Shape.HEADING, Shape.BOLD}:
            is_cast = title in _CAST
        elif title in _CAST and bare.text.endswith((":", "：")):
            is_cast = True
            bare.leaves(ChangeKind.METADATA)
        elif bare.left_out is ChangeKind.DIVIDER:
            is_cast = False
        elif is_cast and bare.text and bare.left_out is None and not bare.as_it_stands:
            bare.leaves(ChangeKind.METADATA)


def leave_out_frame(bares: Sequence[Bare]) -> None:
    """Leave out what names nobody above the first who speaks, and below a divider behind the last.

    Only where somebody is named by a colon: elsewhere it cannot be told what is frame.
    """
    speaking = [at for at, bare in enumerate(bares) if _speaks(bares, at, bare)]
    if not speaking:
        return
    behind = next(
        (at for at in range(speaking[-1], len(bares)) if bares[at].left_out is ChangeKind.DIVIDER), len(bares)
    )
    for at in [*range(speaking[0]), *range(behind, len(bares))]:
        bare = bares[at]
        if bare.text and bare.left_out is None and not bare.as_it_stands and bare.shape is Shape.NONE:
            bare.leaves(ChangeKind.NOTE)


def _speaks(bares: Sequence[Bare], at: int, bare: Bare) -> bool:
    if bare.left_out is not None or bare.shape is not Shape.NONE or not bare.text:
        return False
    named = speaker_and_text(bare.text)
    if named is None:
        return bracketed(bare.text) is not None or quoted(bare.text) is not None
    # `Here is your script:` ends its paragraph.
    return bool(named[1]) or (at + 1 < len(bares) and bool(bares[at + 1].text) and bares[at + 1].left_out is None)
