"""Secrets from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.providers.settings import ProviderSettings
from actors.settings import WorkSettings
from embedded.settings import EmbeddedSettings
from storage.secret_files import MAX_SECRET_BYTES
from storage.settings import DatabaseSettings, ObjectStoreSettings, Settings, SettingsError, read
from tests.readme import ROOT

#: Every setting that is a secret, and what may stand in its file.
SECRETS = {
    "DATABASE_URL": (DatabaseSettings, "postgresql://u:p@h/d"),
    "RABBITMQ_URL": (WorkSettings, "amqp://a:5672/,amqp://b:5672/"),
    "AWS_SECRET_ACCESS_KEY": (ObjectStoreSettings, "s3cret"),
    "AZURE_SPEECH_KEY": (ProviderSettings, "key-of-azure"),
    "OPENAI_API_KEY": (ProviderSettings, "key-of-openai"),
    "ELEVENLABS_API_KEY": (ProviderSettings, "key-of-elevenlabs"),
    "GOOGLE_TTS_API_KEY": (ProviderSettings, "key-of-google"),
    "GEMINI_API_KEY": (ProviderSettings, "key-of-gemini"),
    "POLLY_ACCESS_KEY_ID": (ProviderSettings, "key-id-of-polly"),
    "POLLY_SECRET_ACCESS_KEY": (ProviderSettings, "key-of-polly"),
    "CARTESIA_API_KEY": (ProviderSettings, "key-of-cartesia"),
    "DEEPGRAM_API_KEY": (ProviderSettings, "key-of-deepgram"),
}


@pytest.fixture(autouse=True)
def nothing_else_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("S3_ENDPOINT_URL", "http://s3:9000")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")


def value_of(settings: Settings, name: str) -> str:
    value = getattr(settings, name.lower())
    if isinstance(value, tuple):
        return ",".join(value)
    return value if isinstance(value, str) else value.get_secret_value()


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_comes_from_a_file(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kind, secret = SECRETS[name]
    (tmp_path / "secret").write_text(f"{secret}\n")
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    settings = read(kind)

    assert value_of(settings, name) == secret
    assert secret not in repr(settings)


def test_the_name_may_stand_in_the_file_named_env(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("postgresql://u:p@h/d")
    (tmp_path / ".env").write_text("DATABASE_URL_FILE=secret\n")

    assert read(DatabaseSettings).database_url == "postgresql://u:p@h/d"
    assert read(EmbeddedSettings).database_url == "postgresql://u:p@h/d", "no server is started beside it"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is not a text file"),
        (b"x" * (MAX_SECRET_BYTES + 1), "is longer than 65536 bytes"),
    ],
)
def test_a_file_that_cannot_be_meant_is_one_line(
    content: bytes | None, complaint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("DATABASE_URL_FILE", str(path))
    with pytest.raises(SettingsError, match=complaint) as caught:
        read(DatabaseSettings)

    assert str(caught.value).startswith(f"DATABASE_URL_FILE: {path} ")
    assert "\n" not in str(caught.value)


def test_what_has_no_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", "/dev/zero")
    with pytest.raises(SettingsError, match="is longer than"):
        read(DatabaseSettings)


def test_a_directory_is_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path))
    with pytest.raises(SettingsError, match="Is a directory"):
        read(DatabaseSettings)


def test_a_bad_value_in_a_file_is_told_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mysql://u:p4ssword@h/d")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: must begin with postgresql://") as caught:
        read(DatabaseSettings)
    assert "p4ssword" not in str(caught.value)


def test_a_secret_that_is_given_twice_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("postgresql://u:p@h/d")
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://u:p@h/other\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match=r"^DATABASE_URL and DATABASE_URL_FILE are both set"):
        read(DatabaseSettings)


def test_what_is_no_secret_has_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")

    assert read(ObjectStoreSettings).s3_endpoint_url == "http://s3:9000"


def test_the_readme_names_every_secret() -> None:
    found = {
        name.upper()
        for kind in (DatabaseSettings, ObjectStoreSettings, WorkSettings, ProviderSettings, EmbeddedSettings)
        for name, field in kind.model_fields.items()
        if not field.repr or "SecretStr" in str(field.annotation) + str(field.metadata)
    }
    assert found == set(SECRETS)
    for readme in ("README.md", "README.zh-TW.md"):
        text = (ROOT / readme).read_text()
        assert "`_FILE`" in text
        assert [name for name in SECRETS if f"`{name}`" not in text] == []
