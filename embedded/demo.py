"""`make demo`: a sample dialogue goes in, its audio comes out as `demo.mp3`.

Talks to the server that `make run` has started, if there is one, or else starts everything itself.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from client.commands.progress import ProgressBar
from client.errors import ClientError
from client.nouns import Turn
from client.synchronous import Readthrough
from embedded.here import running_or_started
from storage.logs import LogSettings, configure_logs
from storage.process import interrupt_on_signals, run_command

#: Where the audio goes, in the directory that the command was given in.
RESULT: Final = Path("demo.mp3")

#: The dialogue of the quickstart.
SAMPLE: Final[dict[str, Any]] = {
    "turns": [
        {"speaker": "A", "text": "你好，今天天氣真好！", "index": 0},
        {"speaker": "B", "text": "是啊，要不要一起去公園走走？", "index": 1},
    ],
    "language": "zh-TW",
    "output_format": "mp3",
}

#: Who reads it, the first that the server has: both are on the machine itself and need no key.
CASTS: Final[Mapping[str, Sequence[str]]] = {"kokoro": ("woman-warm", "man-deep"), "espeak": ("cmn+f2", "cmn+m3")}


def main(argv: list[str]) -> int:
    """The command: 0 and `demo.mp3`, or 1 and the reason."""
    # The progress bar has the terminal; what goes wrong is still told.
    configure_logs(LogSettings(log_level="warning"))
    interrupt_on_signals()
    try:
        with running_or_started() as url, Readthrough(url) as client:
            _demonstrate(client)
    except (ClientError, OSError) as error:
        sys.stderr.write(f"\ndemo: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


def _demonstrate(client: Readthrough) -> None:
    usable = {provider["name"] for provider in client.providers() if provider["configured"]}
    provider = next((name for name in CASTS if name in usable), None)
    if provider is None:
        raise ClientError("no local voice is installed: neither readthrough[kokoro] nor readthrough[espeak]")
    script = [Turn(turn["speaker"], turn["text"]) for turn in SAMPLE["turns"]]
    with ProgressBar(sys.stdout) as bar:
        voices = dict(zip("AB", CASTS[provider], strict=True))
        job = client.speak(script, RESULT, provider=provider, voices=voices, on_progress=bar.show)
    seconds = (job.duration_ms or 0) / 1000
    sys.stdout.write(f"{seconds:.1f} s of audio, {RESULT.stat().st_size:,} bytes: {RESULT.absolute()}\n")


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
