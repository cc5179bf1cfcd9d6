"""What the environment says to the all-in-one run: where data is kept, and which servers it need not start."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from storage.settings import Settings


class EmbeddedSettings(Settings):
    """Where the embedded servers keep their files. A server whose URL is given is used instead of an embedded one."""

    data_dir: Path = Path(".data")
    database_url: str | None = Field(default=None, repr=False)
    s3_endpoint_url: str | None = None
