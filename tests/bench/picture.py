"""A picture of figures: a bar each, as SVG that a browser draws in light and in dark."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _ROW, _LABEL, _RIGHT = 720, 34, 220, 70


def bars(figures: Mapping[str, Sequence[float]], title: str) -> str:
    """A bar for the median of each, the longest to the edge."""
    medians = {name: statistics.median(values) for name, values in figures.items()}
    longest = max(medians.values())
    rows: list[str] = []
    for number, (name, value) in enumerate(medians.items()):
        y = 40 + number * _ROW
        width = (_WIDTH - _LABEL - _RIGHT) * value / longest
        rows.append(f'<text x="{_LABEL - 10}" y="{y + 16}" text-anchor="end">{escape(name)}</text>')
        rows.append(f'<rect x="{_LABEL}" y="{y}" width="{width:.0f}" height="22" rx="3"/>')
        rows.append(f'<text x="{_LABEL + width + 8:.0f}" y="{y + 16}">{value:.0f}</text>')
    height = 50 + len(medians) * _ROW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
            f'font-size="14" role="img" aria-label="{escape(title)}">',
            "<style>text{fill:#333}rect{fill:#4a7fb5}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>",
            f'<text x="{_LABEL}" y="24" font-weight="bold">{escape(title)}</text>',
            *rows,
            "</svg>\n",
        ]
    )
