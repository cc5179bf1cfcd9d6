"""The voices of espeak-ng: every language of the installed data, in ten variants that can be told apart.

A voice id is a language in lower case, alone or with a variant: `cmn`, `cmn+f2`, `en-us+m3`. espeak takes an unknown
variant for none and says nothing, so only what is listed here is passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actors.providers.provider import Voice


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """A voice on offer, and the name by which the library finds it."""

    voice: Voice
    library_name: str


@dataclass(frozen=True, slots=True)
class _Variant:
    name: str
    label: str
    gender: str


_BASE: Final = _Variant("", "standard", "male")

#: Chosen from the hundred in `voices/!v` by median pitch, so that six speakers never sound alike.
_VARIANTS: Final = (
    _Variant("m8", "male, low", "male"),
    _Variant("m3", "male", "male"),
    _Variant("grandpa", "grandpa", "male"),
    _Variant("f1", "female 1", "female"),
    _Variant("f2", "female 2", "female"),
    _Variant("f5", "female 5", "female"),
    _Variant("linda", "Linda", "female"),
    _Variant("Annie", "Annie", "female"),
    _Variant("Andrea", "Andrea, high", "female"),
)

#: BCP 47 where espeak's file is named otherwise. Its Mandarin is of no region: it serves zh-TW and zh-CN alike.
_LANGUAGE_TAGS: Final[Mapping[str, str]] = {
    "ca-ba": "ca-x-ba",
    "ca-nw": "ca-x-nw",
    "ca-va": "ca-valencia",
    "cmn": "zh",
    "en": "en-GB",
    "en-US-nyc": "en-US-x-nyc",
    "piqd": "tlh",
    "py": "art-x-pyash",
    "qdb": "art-x-belter",
    "ru-cl": "ru-x-cl",
    "yue": "zh-HK",
}

#: Ids where the file's name would be a poor one.
_IDS: Final[Mapping[str, str]] = {"en": "en-gb"}

_NAMES: Final[Mapping[str, str]] = {"cmn": "Chinese (Mandarin)"}

#: The same voices again, but for Latin words among the Chinese.
_LEFT_OUT: Final = frozenset({"cmn-Latn-pinyin", "yue-Latn-jyutping"})


def installed_voices(data_dir: Path) -> Mapping[str, EspeakVoice]:
    """Every voice that espeak's data in `data_dir` has, by voice id, ordered by language."""
    variants = (_BASE, *(v for v in _VARIANTS if (data_dir / "voices" / "!v" / v.name).is_file()))
    offered = (_voice(file, variant) for file in _language_files(data_dir) for variant in variants)
    in_order = sorted(offered, key=lambda v: v.voice.language)
    return {v.voice.voice_id: v for v in in_order}


def _language_files(data_dir: Path) -> Iterator[Path]:
    """The languages that can be spoken: some have a file, but no dictionary, and all that comes is a click."""
    for file in sorted((data_dir / "lang").rglob("*")):
        dictionary = data_dir / f"{file.name.split('-')[0]}_dict"
        if file.is_file() and dictionary.is_file() and file.name not in _LEFT_OUT:
            yield file


def _voice(file: Path, variant: _Variant) -> EspeakVoice:
    suffix = f"+{variant.name}" if variant.name else ""
    language_id = _IDS.get(file.name, file.name.lower())
    return EspeakVoice(
        voice=Voice(
            voice_id=language_id + suffix,
            voice_name=f"{_NAMES.get(file.name) or _name_in(file)}, {variant.label}",
            language=_LANGUAGE_TAGS.get(file.name, file.name),
            gender=variant.gender,
        ),
        library_name=file.name + suffix,
    )


def _name_in(file: Path) -> str:
    """What a language file calls its language."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("name "):
            return line.removeprefix("name ").split("//")[0].strip()
    return file.name
