"""Where a vendor's key is not: in an address, an error, a log, whatever the vendor says."""

import logging
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from actors.providers import PROVIDERS
from actors.providers.provider import Line, Provider, ProviderError
from tests.standins.__main__ import STAND_INS
from tests.standins.server import StandIn
from tests.standins.settings import settings_of

ENOUGH_S = 10.0


@pytest.fixture(params=sorted(STAND_INS))
def vendor(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    with STAND_INS[request.param]() as stand_in:
        yield stand_in


@pytest.fixture
def provider(vendor: StandIn) -> Iterator[Provider]:
    made = PROVIDERS[vendor.name](settings_of(vendor.environment))
    yield made
    made.close()


@pytest.fixture
def keys(vendor: StandIn) -> list[str]:
    return [value for name, value in vendor.environment.items() if "KEY" in name]


def test_a_key_is_in_no_address(vendor: StandIn, provider: Provider, keys: list[str]) -> None:
    voice = provider.voices(ENOUGH_S)[0]
    provider.speak(Line("Hello", voice.voice_id, "en-US"), ENOUGH_S)
    assert len(vendor.calls) >= 2
    assert not [call.path for call in vendor.calls for key in keys if key in call.path]


@pytest.mark.parametrize("status", [200, 401, 503])
def test_a_key_that_the_vendor_repeats_is_in_no_error_and_no_log(
    vendor: StandIn, provider: Provider, keys: list[str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    voice = provider.voices(ENOUGH_S)[0]
    vendor.fail(1, status, {"message": f"{' '.join(keys)} at https://vendor.test/?key={keys[-1]}"})
    with capture_logs() as logs, pytest.raises(ProviderError) as raised:
        provider.speak(Line("Hello", voice.voice_id, "en-US"), ENOUGH_S)
    said = f"{raised.value} {raised.value.__cause__} {logs} {caplog.text}"
    assert not [key for key in keys if key in said]
