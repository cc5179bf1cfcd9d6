"""The cast: voices that differ to the ear, made of the packaged style tables and weighted means of them.

Nobody listened when they were chosen: pitch and errors of a speech recogniser decided (`make listen`, docs/voices.md).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from actors.providers.provider import EVERY_LANGUAGE, Voice


@dataclass(frozen=True, slots=True)
class KokoroVoice:
    """A voice, and the tables that it is the weighted mean of."""

    voice: Voice
    mix: Mapping[str, float] = field(hash=False)


def _voice(voice_id: str, name_zh: str, name_en: str, gender: str, mix: Mapping[str, float]) -> KokoroVoice:
    return KokoroVoice(Voice(voice_id, f"{name_zh} {name_en}", EVERY_LANGUAGE, gender), mix)


#: From low to high, by median pitch in Mandarin.
CAST: Final = (
    _voice("man-deep", "男聲・低沉", "Man, deep", "male", {"jm_kumo": 1.0}),
    _voice("man-calm", "男聲・沉穩", "Man, calm", "male", {"jm_kumo": 0.8, "jf_tebukuro": 0.2}),
    _voice("man-soft", "男聲・溫和", "Man, soft", "male", {"jm_kumo": 0.6, "jf_gongitsune": 0.4}),
    _voice("woman-warm", "女聲・溫厚", "Woman, warm", "female", {"jm_kumo": 0.3, "jf_gongitsune": 0.7}),
    _voice("woman-calm", "女聲・沉靜", "Woman, calm", "female", {"jf_gongitsune": 1.0}),
    _voice("woman-bright", "女聲・明亮", "Woman, bright", "female", {"jf_nezumi": 1.0}),
    _voice("girl", "女聲・童稚", "Girl", "female", {"jf_tebukuro": 1.0}),
)

#: How the official tables are named: the language that a voice was made for, and its gender.
_MADE_FOR: Final[Mapping[str, str]] = {
    "a": "en-US",
    "b": "en-GB",
    "z": "zh",
    "j": "ja",
    "e": "es",
    "f": "fr",
    "h": "hi",
    "i": "it",
    "p": "pt-BR",
}
_GENDERS: Final[Mapping[str, str]] = {"f": "female", "m": "male"}


def official_voices(tables: Path) -> Iterator[KokoroVoice]:
    """The voices of an operator's file of style tables, as the official `voices-v1.0.bin`, by the names in it.

    Raises:
        OSError, zipfile.BadZipFile: it is no such file; the settings have looked.
    """
    with zipfile.ZipFile(tables) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    for name in sorted(names):
        gender = _GENDERS.get(name[1:2])
        yield KokoroVoice(Voice(name, _readable(name), EVERY_LANGUAGE, gender), {name: 1.0})


def _readable(name: str) -> str:
    """`zf_xiaobei` as `Xiaobei (zh)`."""
    made_for = _MADE_FOR.get(name[:1])
    person = name.partition("_")[2].capitalize() or name
    return f"{person} ({made_for})" if made_for else person
