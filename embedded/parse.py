"""`readthrough parse`: a file as people have it, as a script of ours; what was done to it on standard error."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from service.requests.script.charsets import CODECS
from service.requests.script.dialogue import Dialogue, Format
from service.requests.script.files import MAX_FILE_BYTES, UnreadableFile, script_file
from service.requests.script.plain import line_of
from service.requests.script.reader import parse_dialogue

_STANDARD_INPUT: Final = "-"


def main(argv: list[str]) -> int:
    """The command: 0, or 1 where no job can be made of the script."""
    parser = argparse.ArgumentParser(
        prog="readthrough parse",
        description="Read a script from .txt, .md, .fountain, .srt, .vtt or .docx and write it as `Name: text`.",
    )
    parser.add_argument("file", metavar="FILE", help="the file; - for standard input")
    parser.add_argument("--format", choices=[one.value for one in Format], help="what it is written in; found out")
    parser.add_argument("--encoding", choices=list(CODECS), help="the encoding of its text; found out")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write; standard output")
    arguments = parser.parse_args(argv)
    try:
        file = script_file(arguments.file, content_of(arguments.file), arguments.encoding)
    except (OSError, UnreadableFile) as error:
        sys.stderr.write(f"readthrough parse: {arguments.file}: {error}\n")
        return 1
    if file.charset is not None:
        or_else = f"; if that is wrong, --encoding {file.or_else}" if file.or_else else ""
        sys.stderr.write(f"the text is in {file.charset}{or_else}\n")
    dialogue = parse_dialogue(file.text, Format(arguments.format) if arguments.format else file.written_in)
    _tell(dialogue)
    script = "".join(map(line_of, dialogue.turns))
    if arguments.output is None:
        sys.stdout.write(script)
    else:
        arguments.output.write_text(script, encoding="utf-8")
    return 1 if dialogue.mistakes else 0


def content_of(name: str) -> bytes:
    """The bytes of a file, or of standard input, as far as a script is read.

    Raises:
        OSError: it cannot be read.
    """
    if name == _STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _tell(dialogue: Dialogue) -> None:
    for change in dialogue.changes:
        became = repr(change.after) if change.after else "left out"
        sys.stderr.write(f"line {change.line}: {change.kind}: {change.before!r}: {became}\n")
    for warning in dialogue.warnings:
        sys.stderr.write(f"warning: {warning.text('en')}\n")
    for mistake in dialogue.mistakes:
        sys.stderr.write(f"mistake: {mistake.text('en')}\n")
