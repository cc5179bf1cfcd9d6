"""What was heard, as a table and as a picture, in docs/voices.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: The bar: errors at most, quality at least.
MOST_ERRORS_ZH: Final = 0.10
MOST_ERRORS_EN: Final = 0.05
LEAST_QUALITY: Final = 3.2

_BETWEEN: Final = re.compile(r"(<!-- listen: .*?-->\n).*?(<!-- listen ends -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Measured:
    """One voice: shares of characters or words heard wrongly, DNSMOS, median pitch, seconds of work a second."""

    name: str
    shown: str
    error_zh: float
    error_en: float
    quality_zh: float
    quality_en: float
    pitch_hz: float
    rtf: float

    @property
    def passes(self) -> bool:
        """Whether it is within the bar in both languages."""
        return (
            self.error_zh <= MOST_ERRORS_ZH
            and self.error_en <= MOST_ERRORS_EN
            and min(self.quality_zh, self.quality_en) >= LEAST_QUALITY
        )


def write_report(measured: Sequence[Measured], docs: Path) -> str:
    """Put the table between its marks in voices.md, and the picture beside it; the table."""
    made = table(measured)
    page = docs / "voices.md"
    shown = f"{made}\n![Errors in Mandarin over pitch](voices.svg)\n"
    page.write_text(_BETWEEN.sub(lambda found: f"{found[1]}{shown}{found[2]}", page.read_text(encoding="utf-8")))
    (docs / "voices.svg").write_text(picture(measured), encoding="utf-8")
    return made


def table(measured: Sequence[Measured]) -> str:
    """The voices, one a line."""
    head = (
        "| voice | how it sounds | errors, Mandarin | English | DNSMOS, Mandarin | English | pitch | RTF | |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
    )
    rows = (
        f"| `{each.name}` | {each.shown} | {each.error_zh:.1%} | {each.error_en:.1%} | {each.quality_zh:.2f} "
        f"| {each.quality_en:.2f} | {each.pitch_hz:.0f} Hz | {each.rtf:.2f} "
        f"| {'passes' if each.passes else 'fails'} |\n"
        for each in measured
    )
    return head + "".join(rows)


def picture(measured: Sequence[Measured]) -> str:
    """Errors in Mandarin over pitch, as SVG: low on the left, understood at the bottom."""
    width, height, left, bottom = 720, 360, 60, 320
    top_share = max(0.2, *(min(each.error_zh, 1.0) for each in measured))

    def x(pitch_hz: float) -> float:
        return left + (pitch_hz - 80) / 270 * (width - left - 130)

    def y(share: float) -> float:
        return bottom - share / top_share * (bottom - 30)

    dots = "".join(
        f'<circle cx="{x(each.pitch_hz):.0f}" cy="{y(each.error_zh):.0f}" r="6" fill="{_colour(each)}"/>'
        f'<text x="{x(each.pitch_hz) + 9:.0f}" y="{y(each.error_zh) + 4 - 14 * (place % 2):.0f}">{each.name}</text>'
        for place, each in enumerate(measured)
    )
    ticks = "".join(
        f'<text x="{x(hz):.0f}" y="{bottom + 18}" text-anchor="middle">{hz} Hz</text>' for hz in range(100, 351, 50)
    )
    bar = y(MOST_ERRORS_ZH)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#fffdf8"/>'
        f'<line x1="{left}" y1="{bottom}" x2="{width - 20}" y2="{bottom}" stroke="#444"/>'
        f'<line x1="{left}" y1="{bar:.0f}" x2="{width - 20}" y2="{bar:.0f}" stroke="#b33" stroke-dasharray="4 4"/>'
        f'<text x="{left}" y="{bar - 5:.0f}" fill="#b33">10 % of the characters heard wrongly</text>'
        f'<text x="{left}" y="18">Mandarin, by median pitch: the lower, the better understood</text>'
        f"{ticks}{dots}</svg>\n"
    )


def _colour(each: Measured) -> str:
    return "#2a7d4f" if each.passes else "#b33"
