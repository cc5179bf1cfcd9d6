"""`readthrough speak`: from a text file to an audio file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from client.commands.common import Here, connected, say, say_json, server_options, told
from client.commands.progress import ProgressBar
from client.errors import ClientError
from client.files import FORMATS
from client.nouns import Job, Parsed

_PROG: Final = "readthrough speak"


def main(argv: list[str], here: Here, text_of: Callable[[str], str]) -> int:
    """The command: 0 and the audio, or another code and the reason. `text_of`: what stands in the file of a name."""
    return told(_PROG, lambda: _speak(_parser().parse_args(argv), here, text_of))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROG,
        parents=[server_options()],
        description="Have a script read aloud by its cast, and save the audio. Without --server all that it needs is "
        "started on this machine and ended again, unless `readthrough run` is at work here.",
        epilog="Exit codes: 0 saved, 3 the job ended without audio, 1 anything else that went wrong, 130 interrupted.",
    )
    parser.add_argument(
        "script",
        metavar="SCRIPT",
        help="`NAME: what is said` a line, or what `readthrough parse` reads (.md, .docx, ...); - for standard input",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=_output, required=True, help=f"where to: its ending is one of {_ENDINGS}"
    )
    parser.add_argument(
        "--voice",
        metavar="NAME=ID",
        action="append",
        default=[],
        type=_voice,
        help="a speaker's voice; may be repeated",
    )
    parser.add_argument("--provider", help="whose voices; by default the natural one on the server's machine")
    parser.add_argument("--language", default="zh-TW", help="BCP 47; by default zh-TW")
    parser.add_argument("--captions", metavar="FILE", type=Path, help="save captions, too: .vtt or .srt")
    return parser


_ENDINGS: Final = ", ".join(f".{name}" for name in FORMATS)


def _speak(given: argparse.Namespace, here: Here, text_of: Callable[[str], str]) -> int:
    text = text_of(given.script)
    with connected(given, here) as client, ProgressBar() as bar:
        parsed = client.parse(text)
        if parsed.error is not None:
            raise ClientError(parsed.error)
        _tell_changes(parsed, given.script)
        job = client.speak(
            parsed.turns,
            given.output,
            provider=given.provider,
            voices=_voices(given.voice),
            language=given.language,
            on_progress=bar.show,
        )
        if given.captions is not None:
            client.captions(job.id, given.captions)
    _tell(job, given)
    return 0


def _tell_changes(parsed: Parsed, script: str) -> None:
    """Nothing of a script is changed or left out in silence."""
    lines = {change["line"] for change in parsed.raw["changes"]}
    if lines:
        told = f"{len(lines)} line{'s' if len(lines) > 1 else ''} of {script} changed or left out in reading"
        sys.stderr.write(f"{told}: `readthrough parse {script}` tells\n")


def _tell(job: Job, given: argparse.Namespace) -> None:
    if given.json:
        say_json(job.raw)
        return
    seconds = (job.duration_ms or 0) / 1000
    say(f"{seconds:.1f} s of audio, {given.output.stat().st_size:,} bytes: {given.output}")


def _voices(given: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    voices = dict(given)
    if len(voices) < len(given):
        raise ClientError("a speaker is given two voices")
    return voices


def _voice(argument: str) -> tuple[str, str]:
    name, equals, voice_id = argument.rpartition("=")
    if not (name and equals and voice_id):
        raise argparse.ArgumentTypeError(f"NAME=ID, not {argument!r}")
    return name, voice_id


def _output(argument: str) -> Path:
    path = Path(argument)
    if path.suffix.removeprefix(".").lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"{argument!r} does not end in one of {_ENDINGS}")
    return path
