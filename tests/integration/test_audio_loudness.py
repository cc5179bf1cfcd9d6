"""Loudness, with real voices: what a tone does not have, peaks far above its power, a limiter has to deal with."""

from __future__ import annotations

import io
import wave
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from actors.audio import loudness
from actors.audio.join import SAMPLE_RATE_HZ, Piece, join, normalize_segment
from actors.providers.espeak import Espeak
from actors.providers.provider import Line
from actors.providers.settings import ProviderSettings

TEXT = "今天天氣真好，我們一起去公園散步吧。昨天晚上下了一整夜的雨，路上還有一點濕。"


@pytest.fixture
def espeak() -> Iterator[Espeak]:
    made = Espeak(ProviderSettings())
    yield made
    made.close()


def softer(segment: bytes, by_db: float) -> bytes:
    with wave.open(io.BytesIO(segment)) as read:
        samples = array("h", read.readframes(read.getnframes()))
    written = io.BytesIO()
    with wave.open(written, "wb") as made:
        made.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        made.writeframes(array("h", (round(sample * 10 ** (-by_db / 20)) for sample in samples)).tobytes())
    return written.getvalue()


def lufs(samples: Sequence[int]) -> float:
    """Integrated loudness, by the meter of R128."""
    return loudness.TARGET_LUFS - loudness.gain_to_target([np.array(samples, np.int16)])


@pytest.mark.parametrize(("loud", "soft"), [("cmn+Andrea", "cmn+m8"), ("cmn+f5", "cmn+m3"), ("cmn+m3", "cmn+Andrea")])
def test_two_real_voices_twenty_decibels_apart_come_out_within_one_unit_of_each_other(
    espeak: Espeak, loud: str, soft: str, tmp_path: Path
) -> None:
    pieces: list[Piece] = []
    for number, (voice_id, by_db) in enumerate(((loud, 0.0), (soft, 20.0))):
        spoken = normalize_segment(espeak.speak(Line(TEXT, voice_id, "zh-TW"), 60), text=TEXT)
        path = tmp_path / f"{number}.wav"
        path.write_bytes(softer(spoken, by_db))
        pieces.append(Piece(path, voice_id))

    joined = join(pieces, tmp_path / "joined.wav", format="wav", gap_ms=300, crossfade_ms=0)

    with wave.open(str(tmp_path / "joined.wav")) as read:
        samples = array("h", read.readframes(read.getnframes()))
    per_ms = SAMPLE_RATE_HZ // 1000
    heard = [lufs(samples[turn.start_ms * per_ms : turn.end_ms * per_ms]) for turn in joined.turns]
    assert heard[0] == pytest.approx(heard[1], abs=1)
    assert all(level == pytest.approx(loudness.TARGET_LUFS, abs=1) for level in heard)
    assert max(map(abs, samples)) < 32_767
