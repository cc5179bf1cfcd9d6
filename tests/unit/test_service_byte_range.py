"""Range: which bytes are asked for."""

import pytest

from service.http.byte_range import ByteRange, RangeNotSatisfiable, wanted_range


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=0-0", (0, 0)),
        ("bytes=0-9", (0, 9)),
        ("bytes=2-5", (2, 5)),
        ("bytes=5-", (5, 9)),
        ("bytes=9-", (9, 9)),
        ("bytes=-3", (7, 9)),
        ("bytes=-100", (0, 9)),
        ("bytes=3-999999999999999999", (3, 9)),
        ("Bytes = 1-2", (1, 2)),
        ("bytes=0-1,", (0, 1)),
        ("bytes=0-1,5-6", None),
        ("items=0-5", None),
        ("items=nonsense", None),
    ],
)
def test_a_range_names_its_bytes_or_counts_as_not_sent(header: str | None, part: tuple[int, int] | None) -> None:
    assert wanted_range(header, 10) == (ByteRange(*part) if part else None)


@pytest.mark.parametrize(
    "header",
    [
        "bytes=10-",
        "bytes=10-12",
        "bytes=-0",
        "bytes=5-2",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=1-2-3",
        "bytes=--5",
        "bytes=+1-2",
        "bytes=0-1,x",
        "bytes=20-30,40-50",
        f"bytes=0-{'9' * 5000}",
        "bytes=\u00b2-",
    ],
)
def test_a_range_that_is_not_there_or_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        wanted_range(header, 10)
