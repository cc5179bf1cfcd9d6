"""The child processes in which local voices live: started when needed, bounded, replaced when they fail.

A speech engine in a process of its own cannot take a worker with it when it crashes, and its memory is paid once for
all jobs. Each child speaks one turn at a time.

A child is told what to speak by one frame of JSON and answers with frames of samples and one that ends the turn, or
one that says why not (`actors/speech/frames.py`). Both directions go over one socket pair: when this process dies,
however it dies, the child reads the end of the socket and leaves.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from actors.providers.provider import ProviderError
from actors.speech import frames

#: How long a child may take to leave when we hang up, before it is killed.
LEAVE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Engine:
    """A speech engine that speaks in children: what it is called in an error, and how a child of it is started."""

    name: str
    #: The command of a child, made each time one is started. May raise ProviderError: the engine cannot speak here.
    command: Callable[[], Sequence[str]]
    #: A child that sends nothing for so many seconds hangs, however much time the turn still has.
    silence_s: float = float("inf")


class SpeakingChild:
    """One child process. Not for two threads at once, but `end` may come from any."""

    def __init__(self, engine: Engine, command: Sequence[str]) -> None:
        self._engine = engine
        self._socket, childs_end = socket.socketpair()
        with childs_end, ExitStack() as on_failure:
            on_failure.callback(self._socket.close)
            self.process = subprocess.Popen(  # noqa: S603 - a file of ours, in our own interpreter
                command,
                stdin=childs_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # A group of its own: to be killed together with its fork, and because a Ctrl-C on the terminal is
                # for us, who finish the turn in hand before we let the children go.
                process_group=0,
            )
            on_failure.pop_all()

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def speak(self, request: Mapping[str, Any], deadline: float) -> tuple[bytes, int]:
        """Samples (16 bit, mono) and their rate in Hz. `deadline` is on the monotonic clock.

        Raises:
            ProviderError: the engine refused (permanent), or the child failed, died or was not done in time.
        """
        try:
            return self._exchange(request, deadline)
        except TimeoutError:
            raise ProviderError(f"{self._engine.name} did not finish in time", permanent=False) from None
        except OSError:
            raise ProviderError(f"{self._engine.name} ended in the middle of a turn", permanent=False) from None

    def end(self) -> None:
        """Let the process end: by itself, so that it sees to its fork, else by force. No zombie of ours stays."""
        self._hang_up()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(LEAVE_S)
        if self.process.returncode is None or self.process.returncode < 0:  # it hangs, or somebody has killed it
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._socket.close()

    def _hang_up(self) -> None:
        """End the conversation for both sides; a thread that waits in `speak` wakes up."""
        with suppress(OSError):  # the other side may be faster
            self._socket.shutdown(socket.SHUT_RDWR)

    def _exchange(self, request: Mapping[str, Any], deadline: float) -> tuple[bytes, int]:
        frame = json.dumps(request).encode()
        self._socket.settimeout(_seconds_left(deadline))
        self._socket.sendall(frames.HEADER.pack(frames.SPEAK, len(frame)) + frame)
        samples = bytearray()
        while True:
            kind, size = frames.HEADER.unpack(self._receive(frames.HEADER.size, deadline))
            payload = self._receive(size, deadline)
            if kind in {frames.REFUSED, frames.FAILED}:
                words = payload.decode(errors="replace")
                raise ProviderError(f"{self._engine.name} {words}", permanent=kind == frames.REFUSED)
            if kind == frames.END:
                return bytes(samples), int(payload)
            samples += payload

    def _receive(self, size: int, deadline: float) -> bytearray:
        received = bytearray()
        while len(received) < size:
            self._socket.settimeout(min(_seconds_left(deadline), self._engine.silence_s))
            piece = self._socket.recv(size - len(received))
            if not piece:
                raise ConnectionError
            received += piece
        return received


class ChildPool:
    """At most `size` children; whoever comes when all are busy waits for one."""

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine = engine
        self._size = size
        self._changed = threading.Condition()
        self._idle: list[SpeakingChild] = []
        self._busy: set[SpeakingChild] = set()
        self._starting = 0
        self._closed = False

    @property
    def children(self) -> Sequence[SpeakingChild]:
        """Every child there is now."""
        with self._changed:
            return [*self._idle, *self._busy]

    def speak(self, request: Mapping[str, Any], timeout_s: float) -> tuple[bytes, int]:
        """Samples (16 bit, mono) and their rate in Hz, within `timeout_s` seconds, waiting for a child included.

        Raises:
            ProviderError: as `SpeakingChild.speak`; the child it happened in is replaced.
        """
        deadline = time.monotonic() + timeout_s
        with self._borrowed(deadline) as child:
            return child.speak(request, deadline)

    def close(self) -> None:
        """End all children. A turn being spoken fails."""
        with self._changed:
            self._closed = True
            children = [*self._idle, *self._busy]
            self._idle.clear()
            self._changed.notify_all()
        for child in children:
            child.end()

    @contextmanager
    def _borrowed(self, deadline: float) -> Generator[SpeakingChild]:
        child = self._take(deadline)
        if time.monotonic() >= deadline:  # before it has been asked for anything: the next may have it
            self._give_back(child, unharmed=True)
            raise ProviderError(f"{self._engine.name} did not finish in time", permanent=False)
        unharmed = False
        try:
            yield child
            unharmed = True
        except ProviderError as error:
            unharmed = error.permanent
            raise
        finally:
            # Whatever else interrupted the turn (Dramatiq raises in threads), the child is in the middle of it.
            self._give_back(child, unharmed)

    def _take(self, deadline: float) -> SpeakingChild:
        """An idle child, or a new one while there is room, or the next to come free."""
        with self._changed:
            if not self._changed.wait_for(self._is_some_available, max(0.0, deadline - time.monotonic())):
                raise ProviderError(f"{self._engine.name} was busy with other turns", permanent=False)
            if self._closed:
                raise ProviderError(f"{self._engine.name} is shutting down", permanent=False)
            while self._idle:
                child = self._idle.pop()
                if child.is_alive:
                    self._busy.add(child)
                    return child
                child.end()
            self._starting += 1
        return self._start()

    def _is_some_available(self) -> bool:
        return self._closed or bool(self._idle) or len(self._busy) + self._starting < self._size

    def _start(self) -> SpeakingChild:
        started: list[SpeakingChild] = []
        try:
            started.append(SpeakingChild(self._engine, self._engine.command()))
        except OSError as error:
            raise ProviderError(
                f"{self._engine.name} could not be started: {error.strerror}", permanent=False
            ) from error
        finally:
            with self._changed:
                self._starting -= 1
                self._busy.update(started)
                closed = self._closed
                self._changed.notify()
        child = started[0]
        if closed:  # `close` came while it started, and has not seen it
            self._give_back(child, unharmed=False)
            raise ProviderError(f"{self._engine.name} is shutting down", permanent=False)
        return child

    def _give_back(self, child: SpeakingChild, unharmed: bool) -> None:
        with self._changed:
            if unharmed and not self._closed:
                self._busy.discard(child)
                self._idle.append(child)
                self._changed.notify()
                return
        # Its place is free only when it is gone: an engine may need all the memory that there is for it.
        child.end()
        with self._changed:
            self._busy.discard(child)
            self._changed.notify()


def _seconds_left(deadline: float) -> float:
    """Until `deadline`. Raises TimeoutError when it has passed: a socket takes 0 for "do not block"."""
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s
