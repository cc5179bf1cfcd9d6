"""Which RabbitMQ the tests get: the first kind that this machine has. Nothing is installed here: see `install.py`."""

from collections.abc import Sequence
from pathlib import Path

from embedded.errors import EmbeddedServerError
from tests.servers.needs import RABBITMQ, has_docker_engine, how_to_get, rabbitmq_programs
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.rabbitmq_in_docker import RabbitMQInDocker


def obtain_rabbitmq(directory: Path, *, virtual_hosts: Sequence[str] = ()) -> RabbitMQ:
    """A node, not started: of the server that is installed, or else in a container.

    Raises:
        EmbeddedServerError: this machine has neither; the message says what to install.
    """
    if rabbitmq_programs() is not None:
        return RabbitMQ(directory, virtual_hosts=virtual_hosts)
    if has_docker_engine():
        return RabbitMQInDocker(directory, virtual_hosts=virtual_hosts)
    raise EmbeddedServerError(how_to_get([RABBITMQ]))
