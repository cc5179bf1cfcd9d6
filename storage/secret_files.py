"""Secrets from files: where `NAME` is a secret, `NAME_FILE` may name the file that holds it, as orchestrators do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

#: No secret is longer, in bytes. A path that leads elsewhere, as to a device, must not fill the memory.
MAX_SECRET_BYTES: Final = 64 * 1024


class BadSecretFile(Exception):
    """A file cannot be what is meant, or its secret is given twice. The message is one line that names the variable."""


class SecretFiles(PydanticBaseSettingsSource):
    """What the files say that the environment names. A setting is a secret if it is not shown: by `repr=False`, or as a
    SecretStr."""

    def __init__(self, kind: type[BaseSettings], environment: Iterable[PydanticBaseSettingsSource]) -> None:
        """`environment`: where the names of the files come from, the most important first."""
        super().__init__(kind)
        self._said: dict[str, str | None] = {}
        for source in reversed(list(environment)):
            self._said |= cast("EnvSettingsSource", source).env_vars

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value of one setting, its name, and that it is as it stands; None where no file is named.

        Raises:
            BadSecretFile: the file cannot be what is meant, or the secret is given twice.
        """
        path = self._said.get(f"{field_name}_file")
        if not path or not _is_secret(field):
            return None, field_name, False
        name = field_name.upper()
        if self._said.get(field_name):
            raise BadSecretFile(f"{name} and {name}_FILE are both set: which one is meant?")
        return _secret_in(Path(path), f"{name}_FILE"), field_name, False

    def __call__(self) -> dict[str, Any]:
        """The values of all secrets whose files are named."""
        values: Mapping[str, Any] = {
            name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


def _is_secret(field: FieldInfo) -> bool:
    # As it stands, one of several (`SecretStr | None`), or with conditions of its own (`Annotated`).
    kinds = (field.annotation, *get_args(field.annotation))
    return not field.repr or any(SecretStr in (kind, *get_args(kind)) for kind in kinds)


def _secret_in(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        text = content.decode().strip()
    except OSError as error:
        raise BadSecretFile(f"{name}: {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise BadSecretFile(f"{name}: {path} is not a text file") from None
    if len(content) > MAX_SECRET_BYTES:
        raise BadSecretFile(f"{name}: {path} is longer than {MAX_SECRET_BYTES} bytes: it is no secret")
    if not text:
        raise BadSecretFile(f"{name}: {path} is empty")
    return text
