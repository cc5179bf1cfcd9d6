"""How vendors are asked: one httpx client each, bounded in time and size, and one way to tell what went wrong.

Nothing is tried twice here: the job has its own retries, and two layers of them would multiply.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from ssl import SSLContext
from typing import Final

import httpx

from actors.providers.provider import ProviderError
from actors.providers.words import cleaned, complaint_in

#: A vendor that cannot be connected to by then is not there.
CONNECT_S: Final = 10.0
#: 64 MiB is 23 minutes of 24 kHz speech: no turn is as long.
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
#: More of a refusal than anybody reads.
MAX_REFUSAL_BYTES: Final = 64 * 1024

#: Refusals that may pass: timeout, conflict, too early, too many. So may everything from 500.
_TRANSIENT: Final = frozenset({408, 409, 425, 429})
#: The month's quota is gone: some vendors say so with 429, but waiting does not bring it back.
_QUOTA_USED_UP: Final = frozenset({"insufficient_quota", "quota_exceeded", "billing_hard_limit_reached"})

_NUMBER: Final = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor answered, of whatever status. The body of a refusal may be cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the vendor did what it was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class VendorHttp:
    """The way to one vendor. Shared by threads."""

    def __init__(self, vendor: str, secrets: Iterable[str]) -> None:
        """`secrets` never appear in an error."""
        self._vendor = vendor
        self._secrets = tuple(secrets)
        self._client = httpx.Client(
            # Azure refuses a request without a User-Agent. Speech hardly shrinks, and what is not packed cannot burst.
            headers={"User-Agent": "readthrough", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
            verify=_certificates(),
            timeout=CONNECT_S,  # the net under a call that says nothing; every one here says its own
        )

    def demand(
        self, method: str, url: str, timeout_s: float, *, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        """As `ask`, but the answer is a success.

        Raises:
            ProviderError: as `ask`, and when the vendor refused.
        """
        answer = self.ask(method, url, timeout_s, headers=headers, content=content)
        if not answer.is_success:
            raise self.refusal(answer)
        return answer

    def ask(
        self, method: str, url: str, timeout_s: float, *, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        """The vendor's answer, whole and within `timeout_s` seconds, whatever its status.

        The call has a thread of its own: httpx bounds each read, but neither their sum nor the look-up of a name.

        Raises:
            ProviderError: it did not come (transient), or cannot come (permanent).
        """
        call: Future[Answer] = Future()
        work = (call, method, url, headers, content, timeout_s)
        threading.Thread(target=self._settle, args=work, name=f"{self._vendor}-call", daemon=True).start()
        try:
            return call.result(timeout_s)
        except (TimeoutError, httpx.TimeoutException):
            raise ProviderError(f"{self._vendor} did not answer in time", permanent=False) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
            raise self._failure("could not be asked", error, permanent=True) from None
        except (httpx.HTTPError, OSError, RuntimeError) as error:  # the last is httpx's for "closed meanwhile"
            raise self._failure("was not reached", error, permanent=False) from None

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
        """Let go of the connections."""
        self._client.close()

    def _settle(
        self,
        call: Future[Answer],
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes,
        timeout_s: float,
    ) -> None:
        try:
            call.set_result(self._exchange(method, url, headers, content, timeout_s))
        except Exception as error:  # noqa: BLE001 - it is raised again in the thread that waits
            call.set_exception(error)

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float) -> Answer:
        deadline = time.monotonic() + timeout_s
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        with self._client.stream(method, url, headers=dict(headers), content=content, timeout=timeout) as response:
            return Answer(response.status_code, response.headers, self._body_of(response, deadline))

    def _body_of(self, response: httpx.Response, deadline: float) -> bytes:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if time.monotonic() > deadline:
                raise TimeoutError
            if not response.is_success and len(body) >= MAX_REFUSAL_BYTES:
                break
            if len(body) > MAX_BODY_BYTES:
                raise self.error("answered more than 64 MiB", permanent=True)
        return bytes(body)

    def _failure(self, what: str, error: Exception, *, permanent: bool) -> ProviderError:
        return self.error(f"{what}: {error or type(error).__name__}", permanent=permanent)


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
    except ValueError:
        return None
    # "-0000" makes a naive time, which is UTC (RFC 5322, 3.3).
    left_s = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, left_s)


@cache
def _certificates() -> SSLContext:
    """Whom to believe. Read once, because reading takes longer than the rest of a client."""
    return httpx.create_ssl_context()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"
