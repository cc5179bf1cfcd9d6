"""The providers of a process: one of each vendor, made once and shared by its threads."""

from __future__ import annotations

from collections.abc import Mapping

from actors.providers import PROVIDERS
from actors.providers.provider import Provider
from actors.providers.settings import ProviderSettings


def make_providers(settings: ProviderSettings) -> Mapping[str, Provider]:
    """Every provider by its name, configured or not. Whoever calls this closes each of them in the end."""
    return {name: make(settings) for name, make in PROVIDERS.items()}
