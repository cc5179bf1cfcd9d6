"""What the environment says about the vendors: keys, addresses, models. Read once, handed to every provider."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from storage.settings import Settings

OPENAI_URL: Final = "https://api.openai.com/v1"


def _address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#][^\s?#]*", value):
        raise ValueError("must be an http:// or https:// address without a query")
    return value.rstrip("/")


def _region(value: str) -> str:
    """It becomes part of a host name."""
    if not re.fullmatch(r"[a-z0-9-]+", value.lower()):
        raise ValueError("must be the name of a region, as eastasia")
    return value.lower()


def _fits_a_header(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", key.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces")
    return key


Address = Annotated[str, AfterValidator(_address)]
Region = Annotated[str, AfterValidator(_region)]
Key = Annotated[SecretStr, AfterValidator(_fits_a_header)]


class ProviderSettings(Settings):
    """The vendors' variables. Blank means unset."""

    azure_speech_key: Key | None = None
    azure_speech_region: Region | None = None
    #: Instead of the region's address: a custom domain, a proxy, a test.
    azure_speech_endpoint: Address | None = None

    openai_api_key: Key | None = None
    #: OpenAI itself, or any server that speaks its protocol.
    openai_base_url: Address = OPENAI_URL
    openai_tts_model: str = "gpt-4o-mini-tts"
    #: The voices of a compatible server that cannot list its own.
    openai_tts_voices: Annotated[tuple[str, ...], NoDecode] = ()

    elevenlabs_api_key: Key | None = None
    elevenlabs_base_url: Address = "https://api.elevenlabs.io"
    elevenlabs_tts_model: str = "eleven_multilingual_v2"

    #: Of a project that has Cloud Text-to-Speech. GOOGLE_API_KEY would be read as a key of Gemini by others.
    google_tts_api_key: Key | None = None
    google_tts_base_url: Address = "https://texttospeech.googleapis.com"

    gemini_api_key: Key | None = None
    gemini_base_url: Address = "https://generativelanguage.googleapis.com"
    gemini_tts_model: str = "gemini-3.8-flash-tts"

    #: AWS_ACCESS_KEY_ID is of the object store, which need not be Amazon's.
    polly_access_key_id: Key | None = None
    polly_secret_access_key: Key | None = None
    polly_region: Region | None = None
    #: Instead of the region's address.
    polly_base_url: Address | None = None
    polly_engine: Literal["standard", "neural", "long-form", "generative"] = "neural"

    cartesia_api_key: Key | None = None
    cartesia_base_url: Address = "https://api.cartesia.ai"
    cartesia_tts_model: str = "sonic-3.5"

    deepgram_api_key: Key | None = None
    deepgram_base_url: Address = "https://api.deepgram.com"

    #: Where kokoro keeps its model, among the data of the embedded servers.
    data_dir: Path = Path(".data")
    #: More voices for kokoro: an npz of style tables, as the official voices-v1.0.bin.
    kokoro_voices: Path | None = None
    #: Another export of the model than the packaged one. It is used as it is.
    kokoro_model: Path | None = None
    kokoro_threads: int = Field(default=2, ge=1, le=256)
    #: Tried in this order, those that the installed onnxruntime has; the processor is always the last.
    kokoro_execution_providers: Annotated[tuple[str, ...], NoDecode] = ()

    @model_validator(mode="before")
    @classmethod
    def _blank_is_unset(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A key pasted with a line break works, and one of spaces counts as none."""
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @field_validator("kokoro_voices", "kokoro_model")
    @classmethod
    def _is_a_file(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError("must be a file that can be read")
        return path

    @field_validator("kokoro_voices")
    @classmethod
    def _is_an_archive(cls, path: Path | None) -> Path | None:
        if path is not None and not zipfile.is_zipfile(path):
            raise ValueError("must be an npz file of style tables, as the official voices-v1.0.bin")
        return path

    @field_validator("openai_tts_voices", "kokoro_execution_providers", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value
