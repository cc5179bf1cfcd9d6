"""Who speaks where nobody is named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_HAN: Final = re.compile("[\u3400-\u9fff]")


def narrator_of(words: Iterable[str]) -> str:
    """What the narrator of these words is called: 旁白 where there is Chinese in them."""
    return "旁白" if any(map(_HAN.search, words)) else "Narrator"
