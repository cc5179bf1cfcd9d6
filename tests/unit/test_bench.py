"""What `make bench` makes of its figures."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.bench.__main__ import _table
from tests.bench.ground import percentile
from tests.bench.picture import bars
from tests.bench.submit import OURS, Measured, lines


def test_a_ratio_above_one_is_better_for_the_rate_and_worse_for_the_cost() -> None:
    ours = Measured("", 0, {}, rates=[50, 100, 150], cpu_ms=[2.0], p50_ms=[3.0], p99_ms=[9.0])
    peer = Measured("", 0, {}, rates=[200], cpu_ms=[1.0], p50_ms=[1.0], p99_ms=[2.0])

    rows = list(lines({OURS: ours, "peer": peer}))

    assert rows == [
        (OURS, "100/s", "1.00", "2.00 ms", "1.00", "3.0 / 9.0 ms"),
        ("peer", "200/s", "0.50", "1.00 ms", "2.00", "1.0 / 2.0 ms"),
    ]
    assert _table(["a", "b"], [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


@pytest.mark.parametrize(("share", "value"), [(0.5, 3.0), (0.99, 5.0), (1.0, 5.0)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0, 5.0], share) == value


def test_the_picture_is_svg_with_a_bar_for_each_and_the_longest_is_the_fastest() -> None:
    drawn = ElementTree.fromstring(bars({"a < b": [1, 2, 3], "c": [4]}, "submits"))  # noqa: S314 # our own

    widths = [float(bar.get("width", 0)) for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths == [max(widths) / 2, max(widths)]
    assert "a < b" in [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
