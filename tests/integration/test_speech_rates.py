"""actors/speech_rates.py against the voices themselves: other sentences than those that the rates were made of."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from actors.audio.join import normalize_segment
from actors.audio.segment import SAMPLES_PER_MS
from actors.audio.wav import BYTES_PER_SAMPLE, HEAD_BYTES
from actors.providers import PROVIDERS
from actors.providers.provider import Line
from actors.speech_rates import Counts, counted, estimated_ms
from tests.standins.settings import settings_of

ENOUGH_S = 120.0
MANDARIN = ("這家企業的總部在台北，他和我一起去看電影。", "請把髒衣服放進洗衣機，我等一下再洗。")
ENGLISH = ("We walked along the river until the sun went down.", "Could you tell me what she said, before they come?")


@pytest.mark.parametrize(
    ("name", "voice_ids", "language", "texts"),
    [
        ("espeak", ("cmn+f5", "cmn+m8", "cmn+linda"), "zh-TW", MANDARIN),
        ("espeak", ("en-us+f5", "en-gb", "en-us+m8"), "en-US", ENGLISH),
        ("kokoro", ("man-calm", "woman-bright"), "zh-TW", MANDARIN),
        ("kokoro", ("man-calm", "woman-bright"), "en-US", ENGLISH),
    ],
)
def test_a_length_is_estimated_within_fifteen_percent(
    name: str, voice_ids: Sequence[str], language: str, texts: Sequence[str], session_directory: Path
) -> None:
    heard_ms = estimate_ms = 0.0
    environment = {"DATA_DIR": str(session_directory), "KOKORO_THREADS": "1"}
    with closing(PROVIDERS[name](settings_of(environment))) as provider:
        for voice_id in voice_ids:
            for text in texts:
                line = Line(text, voice_id, language)
                segment = normalize_segment(provider.speak(line, ENOUGH_S), text=text)
                heard_ms += (len(segment) - HEAD_BYTES) / BYTES_PER_SAMPLE / SAMPLES_PER_MS
                estimate_ms += estimated_ms(name, line)
    assert estimate_ms == pytest.approx(heard_ms, rel=0.15)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("你好，我是 A1。", Counts(4, 1, 1, 1)),
        ("Hello, world!", Counts(0, 10, 0, 1)),
        ("……", Counts(0, 0, 0, 0)),
        ("", Counts(0, 0, 0, 0)),
    ],
)
def test_what_takes_time_is_counted(text: str, counts: Counts) -> None:
    assert counted(text) == counts


def test_twice_as_fast_is_half_as_long() -> None:
    usual, fast = (estimated_ms("espeak", Line("你好嗎", "cmn", "zh-TW", speed)) for speed in (1.0, 2.0))
    assert usual == pytest.approx(2 * fast, abs=1)
