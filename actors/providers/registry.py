"""The providers of a process: one of each vendor, made once and shared by its threads."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager

import structlog
from pydantic import SecretStr

from actors.providers import PROVIDERS
from actors.providers.provider import Provider
from actors.providers.settings import ProviderSettings
from actors.providers.words import SHORTEST_SECRET

log = structlog.get_logger()


def make_providers(settings: ProviderSettings) -> Mapping[str, Provider]:
    """Every provider by its name, configured or not. Whoever calls this closes each of them in the end."""
    for name, value in settings:
        if isinstance(value, SecretStr) and len(value.get_secret_value()) < SHORTEST_SECRET:
            log.warning("secret_too_short_to_be_hidden", setting=name.upper(), shortest=SHORTEST_SECRET)
    return {name: make(settings) for name, make in PROVIDERS.items()}


@contextmanager
def speaking(settings: ProviderSettings) -> Generator[Mapping[str, Provider]]:
    """The same, closed when the block ends."""
    with ExitStack() as closing:
        providers = make_providers(settings)
        for provider in providers.values():
            closing.callback(provider.close)
        yield providers
