"""`readthrough api`: the HTTP API as a process of its own."""

from __future__ import annotations

import argparse
import sys

import structlog

from actors.providers.registry import make_providers
from actors.providers.settings import ProviderSettings
from actors.queue.broker import make_broker
from actors.queue.publisher import Publisher
from actors.settings import WorkSettings
from service.app import create_app
from service.resources import make_resources
from service.server import ApiServer, listening
from service.settings import ServiceSettings, refuse_open_door
from storage.logs import LogSettings, configure_logs
from storage.process import run_command
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings, read
from storage.stores import Stores

#: Handlers run in so many threads (anyio's default), each with a connection at most.
_THREADS = 40

log = structlog.get_logger()


def main(argv: list[str]) -> int:
    """The command.

    Raises:
        SettingsError: the environment says something that cannot be meant.
    """
    argparse.ArgumentParser(
        prog="readthrough api", description="Serve the HTTP API. Several may run side by side."
    ).parse_args(argv)
    configure_logs(read(LogSettings))
    settings = read(ServiceSettings)
    refuse_open_door(settings)
    broker = make_broker(read(WorkSettings).required_rabbitmq_urls())
    stores = Stores.make(read(DatabaseSettings), read(ObjectStoreSettings), read(RuleSettings), pool_size=_THREADS // 2)
    providers = make_providers(read(ProviderSettings))
    publisher = Publisher(broker, stores.jobs)

    app = create_app(settings, make_resources(stores, providers, broker, publisher))
    with listening(settings.host, settings.port) as where:
        server = ApiServer(app, where)
        publisher.start()
        log.info("api_started", url=server.url)
        server.serve()
    publisher.stop()
    for provider in providers.values():
        provider.close()
    broker.close()
    stores.close()
    log.info("api_stopped")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
