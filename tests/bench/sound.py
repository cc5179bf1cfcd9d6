"""Joining: a second of sound, and an hour of 600 segments, to mp3; beside the encoder alone."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actors.audio.file import FORMATS, Labels, encoding
from actors.audio.join import SAMPLE_RATE_HZ, Piece, join
from actors.audio.segment import read_segment
from actors.audio.wav import wav_of

#: Different voices among the segments of an hour; each is heard again and again.
VOICES = 12


@dataclass(frozen=True)
class Joined:
    """Times in seconds, wall and processor; `peak_mb` of the process that joins the hour."""

    second_ms: float
    second_encoder_ms: float
    hour_s: float
    hour_cpu_s: float
    hour_encoder_cpu_s: float
    peak_mb: float


def measure(directory: Path, segments: int, repeats: int = 30) -> Joined:
    """The second in this process, the hour in one of its own."""
    second = _segment(directory / "second.wav", seconds=1, number=0)
    output = directory / "joined.mp3"
    whole = _median_cpu_ms(
        lambda: join([Piece(second, "A")], output, format="mp3", gap_ms=300, crossfade_ms=50), repeats
    )
    encoder = _median_cpu_ms(lambda: _encode([second], output), repeats)
    paths = [str(_segment(directory / f"{number}.wav", seconds=6, number=number)) for number in range(VOICES)]
    command = [sys.executable, "-m", "tests.bench.sound", str(segments), str(output), *paths]
    hour = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    began = time.process_time()
    _encode([Path(path) for path in paths], output)
    alone = (time.process_time() - began) * segments / VOICES
    return Joined(whole, encoder, hour["wall_s"], hour["cpu_s"], alone, hour["peak_mb"])


def lines(joined: Joined, segments: int) -> Iterator[Sequence[str]]:
    """The rows of the table."""
    length_s = segments * 6.3
    yield (
        "one segment of a second",
        f"{joined.second_ms:.1f} ms of CPU",
        f"{joined.second_ms / joined.second_encoder_ms:.2f}",
        "",
    )
    yield (
        f"{length_s / 3600:.1f} hours from {segments} segments, levelled",
        f"{joined.hour_cpu_s:.1f} s of CPU",
        f"{joined.hour_cpu_s / joined.hour_encoder_cpu_s:.2f}",
        f"{length_s / joined.hour_s:.0f} times real time, {joined.peak_mb:.0f} MB",
    )


def _segment(path: Path, *, seconds: int, number: int) -> Path:
    at = np.arange(seconds * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    voice = 0.2 * np.sin(2 * np.pi * (150 + 30 * number) * at) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * at))
    noise = 0.02 * np.random.default_rng(number).standard_normal(len(at))
    path.write_bytes(wav_of(np.rint(32_767 * (voice + noise)).astype("<i2").tobytes(), SAMPLE_RATE_HZ))
    return path


def _encode(segments: Sequence[Path], output: Path) -> None:
    """What no program can do without."""
    with encoding(output, FORMATS["mp3"], Labels()) as encoder:
        for segment in segments:
            encoder.write(read_segment(segment))


def _median_cpu_ms(work: object, repeats: int) -> float:
    assert callable(work)
    took: list[float] = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        took.append((time.process_time() - began) * 1000)
    return statistics.median(took)


def main() -> int:
    """The hour: prints wall, processor time and the highest memory."""
    segments, output, *paths = sys.argv[1:]
    pieces = [Piece(Path(paths[number % len(paths)]), "AB"[number % 2]) for number in range(int(segments))]
    began, cpu = time.perf_counter(), time.process_time()
    join(pieces, Path(output), format="mp3", gap_ms=300, crossfade_ms=50)
    status = Path("/proc/self/status").read_text()
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    figures = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": peak_kb / 1024,
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
