"""actors/providers/settings.py: what the environment says about the vendors."""

from pathlib import Path

import pytest

from actors.providers.settings import OPENAI_URL, ProviderSettings
from storage.settings import SettingsError, read


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine's, no `.env` of the developer's."""
    for name in ProviderSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_nothing_is_needed() -> None:
    settings = read(ProviderSettings)
    assert settings.openai_api_key is None
    assert settings.azure_speech_key is None
    assert settings.openai_base_url == OPENAI_URL
    assert settings.openai_tts_model == "gpt-4o-mini-tts"
    assert settings.openai_tts_voices == ()


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_blank_means_unset(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    for name in ProviderSettings.model_fields:
        monkeypatch.setenv(name.upper(), blank)
    assert read(ProviderSettings).model_dump() == ProviderSettings.model_construct().model_dump()


def test_a_key_pasted_with_a_line_break_works_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2\n")
    settings = read(ProviderSettings)
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)


def test_the_env_file_is_honoured(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_TTS_VOICES=af_bella, 中文女,\nDATABASE_URL=postgresql://x\n")
    assert read(ProviderSettings).openai_tts_voices == ("af_bella", "中文女")


def test_an_address_loses_its_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8880/v1/")
    assert read(ProviderSettings).openai_base_url == "http://127.0.0.1:8880/v1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_BASE_URL", "127.0.0.1:8880"),
        ("OPENAI_BASE_URL", "http://127.0.0.1/v1?key=1"),
        ("AZURE_SPEECH_ENDPOINT", "ftp://speech.test"),
        ("AZURE_SPEECH_REGION", "evil.test/"),
        ("AZURE_SPEECH_KEY", "two words"),
        ("OPENAI_API_KEY", "ключ"),
        ("GOOGLE_TTS_API_KEY", "two\nlines"),
        ("POLLY_REGION", "evil.test/"),
        ("POLLY_ENGINE", "best"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read(ProviderSettings)
