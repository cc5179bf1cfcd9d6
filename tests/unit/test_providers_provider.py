"""actors/providers/provider.py: which voice suits which language."""

import pytest

from actors.providers.provider import EVERY_LANGUAGE, Voice


@pytest.mark.parametrize(
    ("voice_language", "asked"),
    [
        ("zh", "zh-TW"),
        ("zh", "zh-CN"),
        ("zh", "zh-Hant-TW"),
        ("zh", "cmn"),
        ("zh-TW", "zh"),
        ("zh-TW", "ZH-tw"),
        ("zh-HK", "yue"),
        ("zh-HK", "zh-HK"),
        ("yue-CN", "zh-HK"),
        ("en-US", "en"),
        ("en-GB-x-rp", "en-GB"),
        ("es", "es-MX"),
        ("es-419", "es-419"),
        ("nb", "no"),
        (EVERY_LANGUAGE, "zh-TW"),
    ],
)
def test_a_voice_suits_its_language(voice_language: str, asked: str) -> None:
    assert Voice("v", "V", voice_language).speaks(asked)


@pytest.mark.parametrize(
    ("voice_language", "asked"),
    [
        ("zh-CN", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("zh-HK", "zh"),
        ("zh", "zh-HK"),
        ("en-US", "en-GB"),
        ("es", "et"),
        ("en-GB-x-us", "en-US"),
    ],
)
def test_a_voice_does_not_suit_another(voice_language: str, asked: str) -> None:
    assert not Voice("v", "V", voice_language).speaks(asked)
