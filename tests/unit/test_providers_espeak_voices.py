"""actors/providers/espeak_voices.py: the voices of the installed espeak-ng."""

from pathlib import Path

import espeakng_loader
import pytest

from actors.providers.espeak_voices import EspeakVoice, installed_voices


@pytest.fixture(scope="module")
def voices() -> dict[str, EspeakVoice]:
    return dict(installed_voices(Path(espeakng_loader.get_data_path())))


@pytest.mark.parametrize(
    ("voice_id", "language", "library_name"),
    [
        ("cmn", "zh", "cmn"),
        ("cmn+f2", "zh", "cmn+f2"),
        ("yue+Annie", "zh-HK", "yue+Annie"),
        ("en-us+m3", "en-US", "en-US+m3"),
        ("en-gb", "en-GB", "en"),
        ("en-gb-x-rp", "en-GB-x-rp", "en-GB-x-rp"),
        ("ja", "ja", "ja"),
        ("pt-br+linda", "pt-BR", "pt-BR+linda"),
    ],
)
def test_a_voice_has_its_language_and_the_name_of_its_file(
    voices: dict[str, EspeakVoice], voice_id: str, language: str, library_name: str
) -> None:
    known = voices[voice_id]
    assert (known.voice.voice_id, known.voice.language, known.library_name) == (voice_id, language, library_name)


def test_every_language_has_the_same_ten_variants(voices: dict[str, EspeakVoice]) -> None:
    of_mandarin = [voice_id for voice_id in voices if voice_id.split("+")[0] == "cmn"]
    expected = ["", "+m8", "+m3", "+grandpa", "+f1", "+f2", "+f5", "+linda", "+Annie", "+Andrea"]
    assert of_mandarin == [f"cmn{variant}" for variant in expected]
    assert len(voices) == 10 * len({voice_id.split("+")[0] for voice_id in voices})


def test_names_can_be_read_and_told_apart(voices: dict[str, EspeakVoice]) -> None:
    assert voices["cmn+f2"].voice.voice_name == "Chinese (Mandarin), female 2"
    assert voices["chr"].voice.voice_name == "Cherokee, standard"
    assert len({known.voice.voice_name for known in voices.values()}) == len(voices)


@pytest.mark.parametrize("voice_id", ["fo", "kaa", "xex", "cmn+nosuch", "cmn-latn-pinyin", "nosuch", "", "cmn+"])
def test_what_cannot_be_spoken_is_not_offered(voices: dict[str, EspeakVoice], voice_id: str) -> None:
    assert voice_id not in voices


@pytest.mark.parametrize("asked", ["zh-TW", "zh-CN", "zh", "cmn"])
def test_mandarin_is_found_by_all_its_names(voices: dict[str, EspeakVoice], asked: str) -> None:
    suitable = {voice_id.split("+")[0] for voice_id, known in voices.items() if known.voice.speaks(asked)}
    assert suitable == {"cmn"}


def test_cantonese_is_found_by_its_names(voices: dict[str, EspeakVoice]) -> None:
    for asked in ("zh-HK", "yue"):
        assert {voice_id.split("+")[0] for voice_id, known in voices.items() if known.voice.speaks(asked)} == {"yue"}
