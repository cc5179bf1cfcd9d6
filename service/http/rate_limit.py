"""How often somebody may ask: a bucket of tokens for each, kept as one number (GCRA, the generic cell rate algorithm).

In memory, a process by itself: a request is not worth a write to the database, and `n` processes allow `n` times as
much. For the event loop: nothing here is shared by threads.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from service.http.errors import ApiError
from service.http.messages import ErrorCode

#: The window that a limit is said in, in seconds.
WINDOW_S: Final = 60
#: So many who ask are remembered; beyond them the one that was longest silent is forgotten, and begins anew.
_MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request for a token.

    `retry_after_s`: 0 when there was one, or else when there will be one. `remaining`: tokens left. `full_in_s`: when
    all are back, if nobody asks.
    """

    retry_after_s: float
    remaining: int
    full_in_s: float


class RateLimit:
    """At most `per_minute` requests a minute of each who asks; so many at once at most, too."""

    def __init__(self, per_minute: int, name: str = "default", clock: Callable[[], float] = time.monotonic) -> None:
        """`name`: what the headers call it. `clock`: seconds, monotonic."""
        self._name = name
        self.per_minute = per_minute
        self._interval_s = WINDOW_S / per_minute
        self._now = clock
        #: When the bucket of each will be full again; the one that asked last is the last.
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, who: Hashable) -> Taken:
        """Take a token, if there is one."""
        now = self._now()
        full_at = max(now, self._full_at.pop(who, now)) + self._interval_s
        too_early_s = full_at - now - WINDOW_S
        if too_early_s > 1e-9:  # less is the rounding of sums
            full_at -= self._interval_s
        self._full_at[who] = full_at
        while len(self._full_at) > _MOST_REMEMBERED:
            self._full_at.popitem(last=False)
        remaining = int((WINDOW_S - (full_at - now)) / self._interval_s + 1e-6)
        return Taken(too_early_s if too_early_s > 1e-9 else 0.0, remaining, full_at - now)

    def require(self, who: Hashable) -> Mapping[str, str]:
        """Take a token; the headers that tell of the rest.

        Raises:
            ApiError: there is none.
        """
        taken = self.take(who)
        headers = self._headers(taken)
        if not taken.retry_after_s:
            return headers
        headers = {**headers, "Retry-After": str(ceil(taken.retry_after_s))}
        raise ApiError(ErrorCode.RATE_LIMITED, {"limit": self.per_minute, "window_s": WINDOW_S}, headers=headers)

    def _headers(self, taken: Taken) -> Mapping[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        return {
            "RateLimit-Policy": f'"{self._name}";q={self.per_minute};w={WINDOW_S}',
            "RateLimit": f'"{self._name}";r={taken.remaining};t={ceil(taken.full_in_s)}',
        }


#: How a handler asks for the limit of previews: a parameter of this type, named `preview_limit`.
PreviewLimitDep = NamedDependency[SkipValidation[RateLimit]]
