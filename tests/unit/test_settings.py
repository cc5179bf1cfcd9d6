"""What the environment may say, and the one line that it gets when that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.settings import WorkSettings
from service.settings import ServiceSettings, refuse_open_door
from storage.logs import LogSettings
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings, Settings, SettingsError, read

S3 = {"S3_ENDPOINT_URL": "http://s3:9000", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours, and no `.env` but the test's own."""
    monkeypatch.chdir(tmp_path)
    for kind in (WorkSettings, ServiceSettings, LogSettings, DatabaseSettings, ObjectStoreSettings, RuleSettings):
        for name in kind.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)


def test_the_rules_have_the_numbers_of_the_contract() -> None:
    rules, work = read(RuleSettings), read(WorkSettings)

    assert (rules.max_active_jobs, rules.job_deadline_s, rules.retention_days) == (3, 600, 30)
    assert (work.retry_delays_s, work.grace_period_s, work.rabbitmq_url) == ((5, 10, 20), 30, None)


def test_several_brokers_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_URL", "amqp://a:5672/, amqps://b:5671/v")

    assert read(WorkSettings).rabbitmq_url == ("amqp://a:5672/", "amqps://b:5671/v")


def test_a_file_named_env_is_honoured_and_the_environment_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("MAX_ACTIVE_JOBS=7\nRETENTION_DAYS=1\nUNRELATED=x\n")
    monkeypatch.setenv("RETENTION_DAYS", "2")

    rules = read(RuleSettings)

    assert (rules.max_active_jobs, rules.retention_days) == (7, 2)


def test_an_empty_value_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_ACTIVE_JOBS", "")
    monkeypatch.setenv("RABBITMQ_URL", "")

    assert read(RuleSettings).max_active_jobs == 3
    assert read(WorkSettings).rabbitmq_url is None


@pytest.mark.parametrize(
    ("kind", "environment", "complaint"),
    [
        (DatabaseSettings, {}, "DATABASE_URL is not set"),
        (DatabaseSettings, {"DATABASE_URL": "mysql://x"}, "DATABASE_URL: must begin with postgresql://"),
        (ObjectStoreSettings, {}, "S3_ENDPOINT_URL is not set"),
        (ObjectStoreSettings, S3 | {"S3_PUBLIC_URL": "s3.example"}, "S3_PUBLIC_URL: must begin with http://"),
        (RuleSettings, {"MAX_ACTIVE_JOBS": "0"}, "MAX_ACTIVE_JOBS: "),
        (RuleSettings, {"MAX_ACTIVE_JOBS": "three"}, "MAX_ACTIVE_JOBS: "),
        (RuleSettings, {"JOB_DEADLINE_S": "-1"}, "JOB_DEADLINE_S: "),
        (RuleSettings, {"JOB_DEADLINE_S": "nan"}, "JOB_DEADLINE_S: "),
        (WorkSettings, {"RETRY_DELAYS_S": "5;10"}, "RETRY_DELAYS_S: must be seconds, separated by commas"),
        (WorkSettings, {"RETRY_DELAYS_S": "5,-1"}, "RETRY_DELAYS_S: each wait must be between"),
        (WorkSettings, {"RABBITMQ_URL": "http://rabbit"}, "RABBITMQ_URL: must begin with amqp://"),
        (WorkSettings, {"WORKER_THREADS": "0"}, "WORKER_THREADS: "),
        (ServiceSettings, {"PORT": "70000"}, "PORT: "),
        (ServiceSettings, {"AUTH": "basic"}, "AUTH: "),
        (LogSettings, {"LOG_LEVEL": "loud"}, "LOG_LEVEL: "),
        (LogSettings, {"LOG_FORMAT": "xml"}, "LOG_FORMAT: "),
    ],
)
def test_a_bad_value_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, kind: type[Settings], environment: dict[str, str], complaint: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        read(kind)

    assert str(refused.value).startswith(complaint)
    assert "\n" not in str(refused.value)


def test_no_secret_is_shown_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hunter2@host/db")
    monkeypatch.setenv("RABBITMQ_URL", "amqp://user:hunter2@host/")

    shown = repr(read(ObjectStoreSettings)) + repr(read(DatabaseSettings)) + repr(read(WorkSettings))

    assert "hunter2" not in shown
    assert "secret" not in shown.replace("secret_access_key", "")


def test_a_process_that_needs_others_says_that_it_has_no_broker() -> None:
    with pytest.raises(SettingsError, match="RABBITMQ_URL is not set"):
        read(WorkSettings).required_rabbitmq_urls()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_needs_no_key(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("HOST", host)

    refuse_open_door(read(ServiceSettings))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])  # noqa: S104 # refused, not listened on
def test_an_open_door_must_be_meant(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("HOST", host)
    with pytest.raises(SettingsError, match="ALLOW_ANONYMOUS"):
        refuse_open_door(read(ServiceSettings))

    monkeypatch.setenv("ALLOW_ANONYMOUS", "1")
    refuse_open_door(read(ServiceSettings))
    monkeypatch.setenv("ALLOW_ANONYMOUS", "0")
    monkeypatch.setenv("AUTH", "api-key")
    refuse_open_door(read(ServiceSettings))
