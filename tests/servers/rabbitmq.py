"""A private RabbitMQ node on this machine, for tests and for trying things out; and where to get the server from.

The node shares nothing with a RabbitMQ that may run here anyway: it has a name, ports, directories, an Erlang cookie
and an `epmd` (Erlang's port mapper, which otherwise is one a machine and outlives its nodes) of its own.
"""

import contextlib
import hashlib
import json
import os
import platform
import secrets
import shutil
import signal
import subprocess
from base64 import b64encode
from collections.abc import Generator, Sequence
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

#: The user of the node. It may do everything in every virtual host that the node was given.
USER = "readthrough"

#: The node's name within its own little Erlang world, where it is alone.
NODE = "readthrough@localhost"

#: Where Debian and Red Hat keep the server itself. The one on the PATH there is a wrapper for the system's own node:
#: it changes to the account `rabbitmq`, or refuses to run.
PACKAGED_PROGRAMS = Path("/usr/lib/rabbitmq/bin")

#: What is installed where nothing is found, and named where that cannot be done.
PACKAGE = "rabbitmq-server"

#: What Debian asks before a package starts its service, and the exit code that forbids it (invoke-rc.d(8)).
SERVICE_POLICY = Path("/usr/sbin/policy-rc.d")
SERVICE_FORBIDDEN = 101

#: What runs where there is a Docker engine only, and where our files are in it.
IMAGE = "rabbitmq:4"
MOUNTED_AT = "/readthrough"


class RabbitMQ(EmbeddedServer):
    """A RabbitMQ node with its data in a directory: `with RabbitMQ(path) as server: connect(server.url)`.

    `virtual_hosts` are made, beside `/`, when it starts; `add_virtual_hosts` makes more, for a second or two.
    """

    name: ClassVar[str] = "rabbitmq"

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
        control = subprocess.run(
            [find_programs() / "rabbitmqctl", "--node", NODE, "import_definitions", str(self._definitions)],
            env=self._environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if control.returncode != 0:
            raise EmbeddedServerError(f"virtual hosts cannot be added: {(control.stderr or control.stdout).strip()}")

    def stop(self) -> None:
        """Stop the node in order, then its port mapper."""
        super().stop()
        self._port_mapper.terminate(signal.SIGTERM, timeout_s=5)

    def kill(self) -> None:
        """kill -9 the node, and the port mapper with it; durable messages that were confirmed are there again."""
        super().kill()
        self._port_mapper.kill()

    def _prepare(self, *, after_a_kill: bool) -> None:
        self._port_mapper.end_stale(signal.SIGTERM, timeout_s=5)
        require_free_port(self.port, "RabbitMQ")
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

    def _write_definitions(self) -> None:
        write_private_file(self._definitions, json.dumps(definitions(self._password, self._virtual_hosts)))

    def _write_configuration(self) -> None:
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            f"load_definitions = {self._definitions}",
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


class RabbitMQInDocker(RabbitMQ):
    """The same in a container, for a machine with a Docker engine and no RabbitMQ.

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

    def add_virtual_hosts(self, names: Sequence[str]) -> None:
        """Make more virtual hosts on the running node; they are there again after a restart."""
        self._virtual_hosts += names
        self._write_definitions()
        imported = self._docker(
            "exec", self._container, "rabbitmqctl", "import_definitions", f"{MOUNTED_AT}/{self._definitions.name}"
        )
        if imported.returncode != 0:
            raise EmbeddedServerError(f"virtual hosts cannot be added: {imported.stderr.strip()}")

    def _prepare(self, *, after_a_kill: bool) -> None:
        self._docker("rm", "--force", self._container)
        require_free_port(self.port, "RabbitMQ")
        self._write_definitions()
        (self.directory / "rabbitmq.conf").write_text(
            f"load_definitions = {MOUNTED_AT}/{self._definitions.name}\nloopback_users = none\n"
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


def obtain(directory: Path, *, virtual_hosts: Sequence[str] = ()) -> RabbitMQ:
    """A node, not started, by the first way that this machine has; raises EmbeddedServerError when it has none.

    The server that is installed; on Debian and Ubuntu, for root, the server installed now; a container.
    """
    if is_installed():
        return RabbitMQ(directory, virtual_hosts=virtual_hosts)
    if can_install():
        install()
        return RabbitMQ(directory, virtual_hosts=virtual_hosts)
    if has_docker_engine():
        return RabbitMQInDocker(directory, virtual_hosts=virtual_hosts)
    raise EmbeddedServerError(
        f"there is no RabbitMQ: install it (`apt-get install {PACKAGE}`, `brew install rabbitmq`), "
        "or start a Docker engine, or set RABBITMQ_URL to a server that may be written to"
    )


def is_installed() -> bool:
    """Whether a RabbitMQ server that we may run is on this machine."""
    return (PACKAGED_PROGRAMS / "rabbitmq-server").exists() or shutil.which("rabbitmq-server") is not None


def can_install() -> bool:
    """Whether this is root on Debian, Ubuntu or a child of theirs."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        return False
    return "debian" in [system.get("ID"), *system.get("ID_LIKE", "").split()]


def has_docker_engine() -> bool:
    """Whether a Docker engine answers; the command alone is not one."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, timeout=30, check=False).returncode == 0


def install() -> None:
    """Install Debian's RabbitMQ, without the node that its package would start; raises EmbeddedServerError."""
    with services_stay_off():
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", PACKAGE]):
            run = subprocess.run(
                ["/usr/bin/apt-get", *arguments],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if run.returncode != 0:
                words = " | ".join(run.stderr.strip().splitlines()[-3:])
                raise EmbeddedServerError(f"`apt-get {' '.join(arguments)}` failed: {words}")


@contextlib.contextmanager
def services_stay_off() -> Generator[None]:
    """Packages that are installed meanwhile start no service; the policy that was there comes back."""
    aside = SERVICE_POLICY.with_name(SERVICE_POLICY.name + ".readthrough")
    if SERVICE_POLICY.exists():
        SERVICE_POLICY.rename(aside)
    try:
        SERVICE_POLICY.write_text(f"#!/bin/sh\nexit {SERVICE_FORBIDDEN}\n")
        SERVICE_POLICY.chmod(0o755)
        yield
    finally:
        SERVICE_POLICY.unlink(missing_ok=True)
        if aside.exists():
            aside.rename(SERVICE_POLICY)


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
    if (PACKAGED_PROGRAMS / "rabbitmq-server").exists():
        return PACKAGED_PROGRAMS
    on_path = shutil.which("rabbitmq-server")
    if on_path is None:
        raise EmbeddedServerError("RabbitMQ is not installed")
    return Path(on_path).resolve().parent
