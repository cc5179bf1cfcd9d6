"""What the environment says to storage, and how every package reads its part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from storage.lexicon import BadLexicon, Pronunciation, shared_lexicon
from storage.rules import JobRules
from storage.secret_files import BadSecretFile, SecretFiles


class SettingsError(Exception):
    """The environment says something that cannot be meant. The message is one line that names the variable."""


class MissingSetting(SettingsError):
    """The environment does not say something that it must."""


class Settings(BaseSettings):
    """What every package's settings share: `.env` is honoured, an empty value counts as none, a secret may come from a
    file, nothing changes later."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where values come from, the most important first."""
        files = SecretFiles(settings_cls, [env_settings, dotenv_settings])
        return init_settings, env_settings, dotenv_settings, files


#: What `supply` was given.
_supplied: Final[dict[str, str]] = {}

S = TypeVar("S", bound=Settings)


def supply(settings: Mapping[str, str]) -> None:
    """Have these, which were found out, go before what the environment says, for all that is read from now on.

    `settings`: by their names in the environment.
    """
    _supplied.update(settings)


def read(kind: type[S]) -> S:
    """The settings of one package, read from the environment.

    Raises:
        SettingsError: a value is missing or bad; the first such is named.
    """
    try:
        return kind(**{name.lower(): value for name, value in _supplied.items() if name.lower() in kind.model_fields})
    except BadSecretFile as error:
        raise SettingsError(str(error)) from None
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0]).upper() if problem["loc"] else "settings"
        if problem["type"] == "missing":
            raise MissingSetting(f"{name} is not set") from None
        raise SettingsError(f"{name}: {problem['msg'].removeprefix('Value error, ')}") from None


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes:
            raise ValueError(f"must begin with {' or '.join(scheme + '://' for scheme in schemes)}")
        return value

    return AfterValidator(check)


HttpUrl = Annotated[str, _url("http", "https")]


class DatabaseSettings(Settings):
    """Where the database is."""

    database_url: Annotated[str, _url("postgresql", "postgres")] = Field(repr=False)


class ObjectStoreSettings(Settings):
    """Where the object store is, for us and for clients, and how we sign."""

    s3_endpoint_url: HttpUrl
    s3_public_url: HttpUrl | None = None
    s3_bucket: str = "readthrough"
    s3_region: str = "us-east-1"
    aws_access_key_id: str
    aws_secret_access_key: str = Field(repr=False)


class LexiconSettings(Settings):
    """The operator's words, for all users."""

    #: CSV in UTF-8: word, how it is said, and a language where it is for one alone. Read once, at the start.
    lexicon_file: Path | None = None

    @field_validator("lexicon_file")
    @classmethod
    def _is_a_lexicon(cls, path: Path | None) -> Path | None:
        if path is not None:
            shared_lexicon(path)
        return path

    def shared(self) -> Sequence[Pronunciation]:
        """What the file says; nothing where there is none.

        Raises:
            SettingsError: it was changed since, and is no lexicon any more.
        """
        try:
            return shared_lexicon(self.lexicon_file) if self.lexicon_file else ()
        except BadLexicon as error:
            raise SettingsError(f"LEXICON_FILE: {error}") from None


_RULES: Final = JobRules()


class RuleSettings(Settings):
    """The rules of a job's life that an operator may change."""

    max_active_jobs: int = Field(default=_RULES.max_active_jobs, ge=1, le=1000)
    job_deadline_s: float = Field(default=_RULES.deadline / timedelta(seconds=1), gt=0, le=86_400)
    retention_days: float = Field(default=_RULES.retention / timedelta(days=1), gt=0, le=36_500)

    def as_rules(self) -> JobRules:
        """All rules, with these."""
        return JobRules(
            max_active_jobs=self.max_active_jobs,
            deadline=timedelta(seconds=self.job_deadline_s),
            retention=timedelta(days=self.retention_days),
        )
