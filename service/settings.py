"""What the environment says to the API: where it listens, who may call, and how often."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from storage.settings import HttpUrl, Settings, SettingsError

_PRICE: Final = re.compile(r"([a-z0-9_-]{1,64})=([0-9]{1,9}(?:\.[0-9]{1,9})?):([A-Z]{3})")

#: What this machine is called by itself.
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Price:
    """What a million characters of a provider cost, in a currency of ISO 4217."""

    provider: str
    per_million: Decimal
    currency: str


def _price(text: str) -> Price:
    found = _PRICE.fullmatch(text)
    if found is None:
        raise ValueError("must be prices of a million characters, as azure=15:USD, separated by commas")
    return Price(found[1], Decimal(found[2]), found[3])


class ServiceSettings(Settings):
    """Where the API listens, who may call it, and how often."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    #: `none`: everybody is the one user `local`. `api-key`: a key from `readthrough keys create`.
    auth: Literal["none", "api-key"] = "none"
    #: `AUTH=none` on an address that others can reach is meant.
    allow_anonymous: bool = False
    #: Requests that are worked on at a time, those that wait for vendors and the object store not counted.
    sync_threads: int = Field(default=32, ge=1, le=1000)
    #: Where users reach the page. None: `http://HOST:PORT`.
    public_url: HttpUrl | None = None
    #: What `Host` may say. None: the names of loopback, and the host of `public_url`.
    allowed_hosts: Annotated[tuple[str, ...] | None, NoDecode] = None
    #: Requests of one user in a minute.
    rate_limit_per_minute: int = Field(default=600, ge=1, le=1_000_000)

    #: What a million characters cost, by provider. Whose is not here costs nothing that we know of.
    prices: Annotated[tuple[Price, ...], NoDecode] = ()

    @field_validator("prices", mode="before")
    @classmethod
    def _several_prices(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        prices = tuple(_price(part.strip()) for part in value.split(",") if part.strip())
        if len({price.provider for price in prices}) < len(prices):
            raise ValueError("names a provider twice")
        return prices

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _several_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = tuple(name.strip().strip("[]").lower() for name in value.split(",") if name.strip())
        if not all(re.fullmatch(r"[a-z0-9._:-]{1,253}", name) for name in names):
            raise ValueError("must be names or addresses without a port, separated by commas")
        return names or None

    @property
    def reached_at(self) -> str:
        """Where users reach the page."""
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What `Host` may say, without a port."""
        if self.allowed_hosts is not None:
            return self.allowed_hosts
        return (*_LOOPBACK_NAMES, urlsplit(self.reached_at).hostname or "")


#: How a handler asks for them: a parameter of this type, named `settings`.
SettingsDep = NamedDependency[SkipValidation[ServiceSettings]]


def refuse_open_door(settings: ServiceSettings) -> None:
    """Stop a server that anybody on the network could use without a key.

    Raises:
        SettingsError: `AUTH=none` on an address that is not loopback, without `ALLOW_ANONYMOUS=1`.
    """
    if settings.auth == "none" and not settings.allow_anonymous and not is_loopback(settings.host):
        raise SettingsError(
            f"AUTH=none with HOST={settings.host} lets everybody in: set AUTH=api-key, or ALLOW_ANONYMOUS=1"
        )


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # a name may resolve to any address
