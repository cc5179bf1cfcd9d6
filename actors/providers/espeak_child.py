"""The process in which espeak-ng lives: reads what to speak on its standard input, answers with samples there.

The library keeps state from turn to turn that nothing resets, so the same text would sound different the second
time. So this process loads it, never speaks itself, and forks for each turn: every turn is the first.

Run by path as `python -I -S espeak_child.py LIBRARY DATA_DIR`, with one end of a socket pair as its standard input.
Standard library only, and nothing of ours, so that it starts in milliseconds and a crash of the C library takes
nothing else with it. The other end of the socket is `child_pool.py`, which also says what the frames mean.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import struct
import sys
from typing import Any, Final, NoReturn

# What `actors/speech/frames.py` says, once more: nothing of ours is imported here. A test compares the two.
SOCKET_FD: Final = 0
HEADER: Final = struct.Struct(">cI")
SAMPLES: Final = b"A"
END: Final = b"E"
REFUSED: Final = b"R"

#: How much audio espeak makes before it hands it over.
BUFFER_MS: Final = 1000
#: Words a minute, of a line that is not to be faster or slower; espeak's own default.
RATE_WPM: Final = 175
#: 0-100, 50 being the voice as it was designed.
PITCH: Final = 50
PITCH_RANGE: Final = 50
#: Any number would do, as long as it stays.
SEED: Final = 1

# From espeak-ng's speak_lib.h.
_OUTPUT_SYNCHRONOUS: Final = 2
_INITIALIZE_DONT_EXIT: Final = 0x8000
_CHARS_UTF8: Final = 1
_POS_CHARACTER: Final = 1
_RATE: Final = 1
_PARAMETERS: Final = {3: PITCH, 4: PITCH_RANGE}
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Engine:
    """espeak-ng, loaded."""

    def __init__(self, library_path: str, data_dir: str) -> None:
        self._library = ctypes.CDLL(library_path)
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        self.sample_rate_hz = int(
            self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, BUFFER_MS, data_dir.encode(), _INITIALIZE_DONT_EXIT)
        )
        if self.sample_rate_hz <= 0:
            sys.exit(1)
        # It seeds the breath in f2 and f5 from the clock.
        self._library.espeak_ng_SetRandSeed(SEED)
        # The library holds a bare pointer: without a reference of ours the callback would be collected.
        self._callback = _CALLBACK(_hand_over)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, voice: str, text: str, rate_wpm: int) -> bool:
        """Send the samples of `text` out as they come. False when espeak has no such voice."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            return False
        for parameter, value in {_RATE: rate_wpm, **_PARAMETERS}.items():
            self._library.espeak_SetParameter(parameter, value, 0)
        utf8 = text.encode()
        self._library.espeak_Synth(utf8, len(utf8) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        self._library.espeak_Synchronize()
        return True


def main(library_path: str, data_dir: str) -> None:
    """Have a fork speak what is asked for, one turn after the other, until the parent hangs up or a fork dies."""
    engine = Engine(library_path, data_dir)
    spoken = True
    while spoken:
        _, size = HEADER.unpack(_receive(HEADER.size))
        request = json.loads(_receive(size))
        spoken = _speak_in_fork(engine, request)


def _speak_in_fork(engine: Engine, request: dict[str, Any]) -> bool:
    """Whether the turn was spoken, or refused in good order. A fork whose listener has gone is killed."""
    fork_ended, held_by_fork = os.pipe()
    fork = os.fork()
    if fork == 0:
        _answer(engine, request["voice"], request["text"], request["rate_wpm"])
    os.close(held_by_fork)
    events = select.poll()
    events.register(fork_ended, select.POLLIN)
    events.register(SOCKET_FD, 0)  # a hang-up is always told
    if all(fd == SOCKET_FD for fd, _ in events.poll()):
        os.kill(fork, signal.SIGKILL)
    os.close(fork_ended)
    return os.waitpid(fork, 0)[1] == 0


def _answer(engine: Engine, voice: str, text: str, rate_wpm: int) -> NoReturn:
    """Speak in this process, and end it."""
    try:
        if engine.speak(voice, text, rate_wpm):
            _send(END, str(engine.sample_rate_hz).encode())
        else:
            _send(REFUSED, f"has no voice {voice!r}".encode())
        os._exit(0)
    finally:
        os._exit(1)


def _hand_over(samples: Any, count: int, _events: Any) -> int:
    """What espeak calls with each buffer; 0 says go on."""
    if samples and count > 0:
        _send(SAMPLES, ctypes.string_at(samples, count * 2))
    return 0


def _send(kind: bytes, payload: bytes) -> None:
    left = memoryview(HEADER.pack(kind, len(payload)) + payload)
    try:
        while left:
            left = left[os.write(SOCKET_FD, left) :]
    except OSError:
        os._exit(1)  # the parent is gone; an exception would only get lost in the C callback


def _receive(size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = os.read(SOCKET_FD, size - len(received))
        if not piece:
            sys.exit(0)
        received += piece
    return received


if __name__ == "__main__":
    main(*sys.argv[1:3])
