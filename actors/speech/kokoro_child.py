"""The process in which Kokoro lives: reads what to speak on its standard input, answers with samples there.

Run as `python -m actors.speech.kokoro_child SETTINGS`, the settings as JSON, with one end of a socket pair as its
standard input. The other end is `actors/providers/child_pool.py`. It lives here, not beside the provider, so that it
loads no other vendor's code. The model is loaded when the process starts, the dictionaries when they are first needed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Final

from actors.speech.frames import END, FAILED, HEADER, REFUSED, SAMPLES, SOCKET_FD
from actors.speech.kokoro_engine import SAMPLE_RATE_HZ, Engine, as_pcm, silence
from actors.speech.spoken import pieces

#: Phonemes spoken at once. More sound better joined, but take memory: 160 take 600 MB, 510 twice that.
PIECE_PHONEMES: Final = 160


def main(settings: str) -> None:
    """Speak what is asked for, one turn after the other, until the parent hangs up."""
    # A Ctrl-C on the terminal is for the parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_the_parent, daemon=True).start()
    given: dict[str, Any] = json.loads(settings)
    try:
        engine = Engine(
            Path(given["model"]), [Path(table) for table in given["tables"]], given["threads"], given["providers"]
        )
    except Exception as error:  # noqa: BLE001 - whatever the library says about a file that is no model
        _answer_each_with(FAILED, f"could not be loaded: {error}")
        return
    while True:
        _speak(engine, _request())


def _speak(engine: Engine, request: dict[str, Any]) -> None:
    """One turn: its samples, piece by piece, and the end."""
    try:
        style = engine.style(request["mix"])
    except KeyError as error:
        _send(REFUSED, f"has no style table {error}".encode())
        return
    spoken = pieces(request["text"], request["language"], PIECE_PHONEMES)
    for piece in spoken:
        _send(SAMPLES, as_pcm(engine.speak(piece.phonemes, style, request["speed"])) + silence(piece.pause_ms))
    if spoken:
        _send(END, str(SAMPLE_RATE_HZ).encode())
    else:
        _send(REFUSED, b"found nothing that it can read in this text")


def _leave_with_the_parent() -> None:
    """In the middle of a piece, too: the memory is for the child that comes next."""
    hung_up = select.poll()
    hung_up.register(SOCKET_FD, select.POLLHUP)
    hung_up.poll()
    os._exit(0)


def _answer_each_with(kind: bytes, words: str) -> None:
    _request()
    _send(kind, words.encode())


def _request() -> dict[str, Any]:
    _, size = HEADER.unpack(_receive(HEADER.size))
    return json.loads(_receive(size))


def _send(kind: bytes, payload: bytes) -> None:
    left = memoryview(HEADER.pack(kind, len(payload)) + payload)
    try:
        while left:
            left = left[os.write(SOCKET_FD, left) :]
    except OSError:
        os._exit(1)  # the parent is gone


def _receive(size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = os.read(SOCKET_FD, size - len(received))
        if not piece:
            os._exit(0)
        received += piece
    return received


if __name__ == "__main__":
    main(sys.argv[1])
