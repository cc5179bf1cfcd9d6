"""How vendors are asked: bounded in time and size, and with one way to tell what went wrong.

Nothing is tried twice here: the job has its own retries, and two layers of them would multiply.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx

from actors.audio.segment import longest_speech_ms
from actors.providers.connection import Answer, BadAnswer, Connection, Request
from actors.providers.provider import ProviderError
from actors.providers.words import cleaned, complaint_in

#: Whatever is asked for, no answer is larger: 64 MiB are 23 minutes of 24 kHz speech.
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
#: What is not speech, as a list of voices: Azure's 600 voices are 1 MB.
MAX_LIST_BYTES: Final = 4 * 1024 * 1024
#: The most that a millisecond of speech takes: one channel, 16 bit, 48 kHz.
_SPEECH_BYTES_PER_MS: Final = 96
#: Heads, and what else a file holds beside the sound.
_AROUND_SPEECH_BYTES: Final = 64 * 1024

#: Connections that wait for the next call. More are opened when more calls are under way, and closed after them.
_IDLE_CONNECTIONS: Final = 20

#: Refusals that may pass: timeout, conflict, too early, too many. So may everything from 500.
_TRANSIENT: Final = frozenset({408, 409, 425, 429})
#: The month's quota is gone: some vendors say so with 429, but waiting does not bring it back.
_QUOTA_USED_UP: Final = frozenset({"insufficient_quota", "quota_exceeded", "billing_hard_limit_reached"})

#: Up to years. Longer ones would be infinite.
_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class VendorHttp:
    """The way to one vendor. Shared by threads."""

    def __init__(self, vendor: str, secrets: Iterable[str]) -> None:
        """`secrets` never appear in an error."""
        self._vendor = vendor
        self._secrets = tuple(secrets)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._is_closed = False

    def demand(
        self,
        method: str,
        url: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str],
        content: bytes = b"",
        max_bytes: int = MAX_LIST_BYTES,
    ) -> Answer:
        """As `ask`, but the answer is a success.

        Raises:
            ProviderError: as `ask`, and when the vendor refused.
        """
        answer = self.ask(method, url, timeout_s, headers=headers, content=content, max_bytes=max_bytes)
        if not answer.is_success:
            raise self.refusal(answer)
        return answer

    def ask(
        self,
        method: str,
        url: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str],
        content: bytes = b"",
        max_bytes: int = MAX_LIST_BYTES,
    ) -> Answer:
        """The vendor's answer, whole and within `timeout_s` seconds, whatever its status. Redirects are not followed.

        The call has a thread of its own, which is left behind, its connection cut, when time is up: nothing else ends
        the look-up of a name.

        Raises:
            ProviderError: it did not come, or is longer than `max_bytes` (transient), or cannot come (permanent).
        """
        request = Request(method, url, headers, content, max_bytes, timeout_s)
        call: Future[Answer] = Future()
        connection = self._take_connection()
        work = (call, connection, request)
        threading.Thread(target=self._settle, args=work, name=f"{self._vendor}-call", daemon=True).start()
        try:
            return call.result(timeout_s)
        except (TimeoutError, httpx.TimeoutException):
            raise ProviderError(f"{self._vendor} did not answer in time", permanent=False) from None
        except BadAnswer as error:
            raise self.error(str(error), permanent=False) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            raise self._failure("could not be asked", error, permanent=True) from None
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            raise self._failure("was not reached", error, permanent=False) from None
        finally:
            with self._lock:
                if not call.done():
                    connection.cut()

    def refusal(self, answer: Answer) -> ProviderError:
        """What an answer that is no success means."""
        complaint = complaint_in(answer.body)
        used_up = not complaint.codes.isdisjoint(_QUOTA_USED_UP)
        may_pass = answer.status in _TRANSIENT or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return self.error(
            f"answered {answer.status}: {complaint.words.strip() or _phrase(answer.status)}",
            permanent=used_up or not may_pass,
            retry_after_s=retry_after_s(answer.headers),
        )

    def error(self, words: str, *, permanent: bool, retry_after_s: float | None = None) -> ProviderError:
        """A ProviderError that begins with the vendor's name and keeps its secrets."""
        message = cleaned(f"{self._vendor} {words}", self._secrets)
        return ProviderError(message, permanent=permanent, retry_after_s=retry_after_s)

    def close(self) -> None:
        """Let go of the connections; calls under way fail."""
        with self._lock:
            self._is_closed = True
            for connection in self._busy:
                connection.cut()
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take_connection(self) -> Connection:
        with self._lock:
            if self._is_closed:
                raise self.error("was not reached: it has been closed", permanent=False)
            connection = self._idle.pop() if self._idle else Connection()
            self._busy.add(connection)
            return connection

    def _settle(self, call: Future[Answer], connection: Connection, request: Request) -> None:
        """In a thread of its own: exchange, and then look after the connection, whether anybody waits or not."""
        try:
            answer = connection.exchange(request)
        except Exception as error:  # noqa: BLE001 - it is raised again in the thread that waits
            with self._lock:
                self._busy.discard(connection)
            connection.close()
            call.set_exception(error)
            return
        # In one: who gives up cuts the connection only while nobody else can have it.
        with self._lock:
            self._busy.discard(connection)
            is_kept = not (connection.is_cut or self._is_closed) and len(self._idle) < _IDLE_CONNECTIONS
            if is_kept:
                self._idle.append(connection)
            call.set_result(answer)
        if not is_kept:
            connection.close()

    def _failure(self, what: str, error: Exception, *, permanent: bool) -> ProviderError:
        return self.error(f"{what}: {error or type(error).__name__}", permanent=permanent)


def speech_bytes(text: str) -> int:
    """The most that an audio file of `text` can have, if it is its speech."""
    return min(MAX_BODY_BYTES, _AROUND_SPEECH_BYTES + _SPEECH_BYTES_PER_MS * longest_speech_ms(text))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The wait a vendor asks for: `retry-after-ms`, else `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).

    None where it does not say, or not in a way that makes sense.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    value = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # "-0000" makes a naive time, which is UTC (RFC 5322, 3.3).
    left_s = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, left_s)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"
