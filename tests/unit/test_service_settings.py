"""Who may call: an open door is a decision, never an oversight."""

import pytest
from pydantic import ValidationError

from service.settings import ServiceSettings, refuse_open_door
from storage.settings import SettingsError, read


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]"])
def test_without_keys_this_machine_alone_may_call(host: str) -> None:
    refuse_open_door(ServiceSettings(host=host, auth="none"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])  # noqa: S104 # what is refused
def test_without_keys_the_network_is_kept_out(host: str) -> None:
    with pytest.raises(SettingsError, match="ALLOW_ANONYMOUS=1") as caught:
        refuse_open_door(ServiceSettings(host=host, auth="none"))
    assert "\n" not in str(caught.value)


def test_an_open_door_may_be_meant() -> None:
    refuse_open_door(ServiceSettings(host="192.168.1.5", auth="none", allow_anonymous=True))


def test_with_keys_everybody_may_call() -> None:
    refuse_open_door(ServiceSettings(host="192.168.1.5", auth="api-key"))


def test_the_environment_says_where_to_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "192.168.1.5")
    monkeypatch.setenv("PORT", "8080")
    monkeypatch.setenv("AUTH", "api-key")
    settings = read(ServiceSettings)
    assert (settings.host, settings.port, settings.auth) == ("192.168.1.5", 8080, "api-key")


def test_a_value_that_cannot_be_meant_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH", "nobody")
    with pytest.raises(SettingsError, match=r"^AUTH: "):
        read(ServiceSettings)


def test_prices_are_named_by_provider() -> None:
    settings = ServiceSettings.model_validate({"prices": "azure=15:USD, openai=12.5:EUR,"})
    assert [(price.provider, str(price.per_million), price.currency) for price in settings.prices] == [
        ("azure", "15", "USD"),
        ("openai", "12.5", "EUR"),
    ]


def test_a_provider_has_one_price() -> None:
    with pytest.raises(ValidationError, match="twice"):
        ServiceSettings.model_validate({"prices": "a=1:USD,a=2:USD"})


@pytest.mark.parametrize(
    "prices", ["azure", "azure=15", "azure=x:USD", "azure=1:usd", "azure=-1:USD", "a=1:USD b=2:USD"]
)
def test_prices_that_are_none_stop_the_start(prices: str) -> None:
    with pytest.raises(ValidationError, match="price"):
        ServiceSettings.model_validate({"prices": prices})
