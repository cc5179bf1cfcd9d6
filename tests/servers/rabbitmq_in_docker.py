"""The RabbitMQ node of `rabbitmq.py` in a container, for a machine with a Docker engine and no RabbitMQ."""

import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from embedded.ports import require_free_port
from tests.servers.rabbitmq import RabbitMQ

#: What runs, and where our files are in it.
IMAGE = "rabbitmq:4"
MOUNTED_AT = "/readthrough"


class RabbitMQInDocker(RabbitMQ):
    """A node in a container: `with RabbitMQInDocker(path) as server: connect(server.url)`.

    Written to the documentation of the image and never run: the machines that this was made on have no engine. `pid`
    is that of the `docker` command, not of the node.
    """

    #: The image may have to be fetched first, in seconds.
    start_timeout_s: ClassVar[float] = 300.0

    def __init__(self, directory: Path, *, port: int | None = None, virtual_hosts: Sequence[str] = ()) -> None:
        super().__init__(directory, port=port, virtual_hosts=virtual_hosts)
        #: The name of the container, and of the volume that keeps its data.
        self._container = f"readthrough-{hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]}"

    def kill(self) -> None:
        """kill -9 the node in its container; the volume stays."""
        self._docker("kill", self._container)
        super().kill()

    def stop(self) -> None:
        """Stop the container and with it the `docker` command that waits for it."""
        self._docker("stop", self._container)
        super().stop()

    def wipe(self) -> None:
        """Stop the container and delete its volume."""
        super().wipe()
        self._docker("volume", "rm", "--force", self._container)

    def _run_control(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return self._docker("exec", self._container, "rabbitmqctl", *words)

    @property
    def _definitions_path(self) -> str:
        return f"{MOUNTED_AT}/{self._definitions.name}"

    def _prepare(self, *, after_a_kill: bool) -> None:
        self._docker("rm", "--force", self._container)
        require_free_port(self.port, "RabbitMQ")
        self._write_definitions()
        (self.directory / "rabbitmq.conf").write_text(
            f"load_definitions = {self._definitions_path}\nloopback_users = none\n"
        )

    def _spawn(self) -> None:
        self._child.spawn(
            [
                "docker",
                "run",
                "--rm",
                f"--name={self._container}",
                # The node keeps its data under its host's name.
                "--hostname=rabbitmq",
                f"--publish=127.0.0.1:{self.port}:5672",
                f"--volume={self._container}:/var/lib/rabbitmq",
                f"--volume={self.directory}:{MOUNTED_AT}:ro",
                f"--env=RABBITMQ_CONFIG_FILE={MOUNTED_AT}/rabbitmq.conf",
                IMAGE,
            ],
            dict(os.environ),
        )

    def _write_definitions(self) -> None:
        super()._write_definitions()
        # The node reads it under an account of the container's own.
        self._definitions.chmod(0o644)

    def _docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["docker", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)
