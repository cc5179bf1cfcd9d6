"""What the environment says to the commands."""

from __future__ import annotations

from typing import ClassVar

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClientSettings(BaseSettings):
    """`READTHROUGH_API_KEY`: who asks, where no `--key` says so: an argument is seen by whoever lists the processes.

    `LC_ALL`, `LC_MESSAGES`, `LANG`: the language of the terminal.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    readthrough_api_key: SecretStr | None = None
    lc_all: str = ""
    lc_messages: str = ""
    lang: str = ""

    @property
    def key(self) -> str | None:
        """The API key."""
        return self.readthrough_api_key.get_secret_value() if self.readthrough_api_key else None

    @property
    def language(self) -> str:
        """Of the server's messages: Chinese where the terminal speaks it."""
        return "zh-TW" if (self.lc_all or self.lc_messages or self.lang).startswith("zh") else "en"
