"""Settings that send a provider to a stand-in, whatever the environment of the test run says."""

from __future__ import annotations

from collections.abc import Mapping

from actors.providers.settings import ProviderSettings


def settings_of(environment: Mapping[str, str]) -> ProviderSettings:
    """The settings under exactly these variables: every other counts as unset, in `.env` too."""
    blank = dict.fromkeys(ProviderSettings.model_fields, "")
    given = {name.lower(): value for name, value in environment.items()}
    return ProviderSettings.model_validate({**blank, **given})
