"""What the environment says to the API: where it listens and who may call."""

from __future__ import annotations

import ipaddress
from typing import Literal

from pydantic import Field

from storage.settings import Settings, SettingsError


class ServiceSettings(Settings):
    """Where the API listens and who may call it."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    #: `none`: everybody is the one user `local`. `api-key`: a key from `readthrough keys create`.
    auth: Literal["none", "api-key"] = "none"
    #: `AUTH=none` on an address that others can reach is meant.
    allow_anonymous: bool = False


def refuse_open_door(settings: ServiceSettings) -> None:
    """Stop a server that anybody on the network could use without a key.

    Raises:
        SettingsError: `AUTH=none` on an address that is not loopback, without `ALLOW_ANONYMOUS=1`.
    """
    if settings.auth == "none" and not settings.allow_anonymous and not _is_loopback(settings.host):
        raise SettingsError(
            f"AUTH=none with HOST={settings.host} lets everybody in: set AUTH=api-key, or ALLOW_ANONYMOUS=1"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # a name may resolve to any address
