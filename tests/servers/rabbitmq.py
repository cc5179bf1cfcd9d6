"""A private RabbitMQ node on this machine, for tests and for trying things out.

The node shares nothing with a RabbitMQ that may run here anyway: it has a name, ports, directories, an Erlang cookie
and an `epmd` (Erlang's port mapper, which otherwise is one a machine and outlives its nodes) of its own.
"""

import hashlib
import json
import os
import secrets
import signal
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import pika
from pika.exceptions import AMQPError

from embedded.children import Child
from embedded.directory import write_private_file
from embedded.errors import EmbeddedServerError
from embedded.ports import free_port, require_free_port
from embedded.server import EmbeddedServer
from tests.servers.needs import RABBITMQ, how_to_get, rabbitmq_programs

#: The user of the node. It may do everything in every virtual host that the node was given.
USER = "readthrough"

#: The node's name within its own little Erlang world, where it is alone.
NODE = "readthrough@localhost"


class RabbitMQ(EmbeddedServer):
    """A RabbitMQ node with its data in a directory: `with RabbitMQ(path) as server: connect(server.url)`.

    `virtual_hosts` are made, beside `/`, when it starts; `add_virtual_hosts` makes more, for a second or two.
    """

    name: ClassVar[str] = "rabbitmq"
    title: ClassVar[str] = "RabbitMQ"

    def __init__(
        self, directory: Path, *, port: int | None = None, virtual_hosts: Sequence[str] = (), management: bool = False
    ) -> None:
        super().__init__(directory)
        self.port = port or free_port()
        #: Where the management console listens, when it was asked for.
        self.management_port = free_port() if management else None
        self._distribution_port = free_port()
        self._port_mapper_port = free_port()
        self._port_mapper = Child("epmd", self.directory)
        self._virtual_hosts = ["/", *virtual_hosts]
        self._password = secrets.token_urlsafe(18)

    @property
    def port_mapper_pid(self) -> int:
        """The id of the node's own `epmd`; raises EmbeddedServerError when it is not running."""
        return self._port_mapper.pid

    @property
    def url(self) -> str:
        """The virtual host `/`, as `amqp://...`."""
        return self.url_of("/")

    def url_of(self, virtual_host: str) -> str:
        """The same node, another virtual host."""
        return f"amqp://{USER}:{self._password}@127.0.0.1:{self.port}/{quote(virtual_host, safe='')}"

    def add_virtual_hosts(self, names: Sequence[str]) -> None:
        """Make more virtual hosts on the running node; they are there again after a restart."""
        self._virtual_hosts += names
        self._write_definitions()
        self.control("import_definitions", self._definitions_path)

    def control(self, *words: str) -> None:
        """Run `rabbitmqctl` with these words; it takes a second or two.

        Raises:
            EmbeddedServerError: the node is not there, or refuses.
        """
        control = self._run_control(words)
        if control.returncode != 0:
            raise EmbeddedServerError(f"rabbitmqctl {words[0]}: {(control.stderr or control.stdout).strip()}")

    def stop(self) -> None:
        """Stop the node in order, then its port mapper."""
        super().stop()
        self._port_mapper.terminate(signal.SIGTERM, timeout_s=5)

    def kill(self) -> None:
        """kill -9 the node, and the port mapper with it; durable messages that were confirmed are there again."""
        super().kill()
        self._port_mapper.kill()

    def _run_control(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [find_programs() / "rabbitmqctl", "--node", NODE, *words],
            env=self._environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _prepare(self, *, after_a_kill: bool) -> None:
        self._port_mapper.end_stale(signal.SIGTERM, timeout_s=5)
        require_free_port(self.port, self.title)
        cookie = self.directory / ".erlang.cookie"
        if not cookie.exists():
            write_private_file(cookie, secrets.token_hex(32))
        (self.directory / "enabled_plugins").write_text("[rabbitmq_management].\n" if self.management_port else "[].\n")
        # An empty one of our own, or else the node reads the settings of the system's.
        (self.directory / "rabbitmq-env.conf").write_text("")
        self._write_definitions()
        self._write_configuration()

    def _spawn(self) -> None:
        programs = find_programs()
        self._port_mapper.spawn(
            ["epmd", "-address", "127.0.0.1", "-port", str(self._port_mapper_port)], self._environment()
        )
        self._child.spawn(
            [
                programs / "rabbitmq-server",
                "-noinput",
                # A node that has its name from the start: RabbitMQ would start another Erlang just to wake epmd.
                "-sname",
                NODE,
            ],
            self._environment(),
        )

    def _is_ready(self) -> bool:
        try:
            pika.BlockingConnection(pika.URLParameters(self.url)).close()
        except (AMQPError, OSError):
            return False
        return True

    def _settle(self) -> None:
        """Nothing: the definitions that it has read at its start are all that it needs."""

    @property
    def _definitions(self) -> Path:
        return self.directory / "definitions.json"

    @property
    def _definitions_path(self) -> str:
        """Where the node finds them."""
        return str(self._definitions)

    def _write_definitions(self) -> None:
        write_private_file(self._definitions, json.dumps(definitions(self._password, self._virtual_hosts)))

    def _write_configuration(self) -> None:
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            f"load_definitions = {self._definitions_path}",
            "vm_memory_high_watermark.relative = 0.4",
            "disk_free_limit.absolute = 50MB",
            "log.file = false",
            "log.console = true",
            "log.console.level = warning",
        ]
        if self.management_port:
            lines += ["management.tcp.ip = 127.0.0.1", f"management.tcp.port = {self.management_port}"]
        (self.directory / "rabbitmq.conf").write_text("\n".join(lines) + "\n")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._port_mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONF_ENV_FILE": str(self.directory / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.directory / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_MNESIA_DIR": str(self.directory / "mnesia" / "node"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_PID_FILE": str(self.directory / "node.pid"),
            # Makes the start script become the node instead of guarding it: its pid is the node's.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}",
        }


def definitions(password: str, virtual_hosts: Sequence[str]) -> dict[str, object]:
    """What `load_definitions` reads: the user, the virtual hosts, and that the one may do everything in the others."""
    salt = secrets.token_bytes(4)
    return {
        "users": [
            {
                "name": USER,
                "password_hash": b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode(),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": ["administrator"],
            }
        ],
        "vhosts": [{"name": name} for name in virtual_hosts],
        "permissions": [
            {"user": USER, "vhost": name, "configure": ".*", "write": ".*", "read": ".*"} for name in virtual_hosts
        ],
    }


def find_programs() -> Path:
    """The directory of `rabbitmq-server` and `rabbitmqctl`; raises EmbeddedServerError when it is not installed."""
    programs = rabbitmq_programs()
    if programs is None:
        raise EmbeddedServerError(how_to_get([RABBITMQ]))
    return programs
