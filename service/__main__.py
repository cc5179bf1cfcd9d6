"""`readthrough api`: the HTTP API as a process of its own."""

from __future__ import annotations

import argparse
import sys
from typing import Final

import structlog

from actors.providers.registry import speaking
from actors.providers.settings import ProviderSettings
from actors.settings import WorkSettings
from actors.system import system
from service.app import create_app
from service.resources import make_resources
from service.server import ApiServer, listening
from service.settings import ServiceSettings, refuse_open_door
from storage.logs import LogSettings, configure_logs
from storage.process import on_stop_signals, run_command
from storage.settings import DatabaseSettings, ObjectStoreSettings, read

#: To the database: handlers run in more threads (`SYNC_THREADS`), and seldom do all of them ask it at once.
_CONNECTIONS: Final = 20

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
    urls = read(WorkSettings).required_rabbitmq_urls()
    with (
        listening(settings.host, settings.port) as where,
        system(urls, read(DatabaseSettings), read(ObjectStoreSettings), connections=_CONNECTIONS) as parts,
        speaking(read(ProviderSettings)) as providers,
    ):
        server = ApiServer(create_app(settings, make_resources(parts, providers)), where)
        # It may be asked to stop before uvicorn listens to that.
        on_stop_signals(lambda _number, _frame: server.stop())
        log.info("api_started", url=server.url)
        server.serve()
    log.info("api_stopped")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
