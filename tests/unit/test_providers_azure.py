"""actors/providers/azure.py: where the service is, and the document that it is sent."""

from xml.etree import ElementTree

import pytest

from actors.providers.azure import Azure, _base_url, ssml
from actors.providers.provider import Line, ProviderError
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins.settings import settings_of


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, ""),
        ({"AZURE_SPEECH_REGION": "EastAsia"}, "https://eastasia.tts.speech.microsoft.com"),
        ({"AZURE_SPEECH_REGION": "eastasia", "AZURE_SPEECH_ENDPOINT": "http://127.0.0.1:9/"}, "http://127.0.0.1:9"),
        (
            {"AZURE_SPEECH_ENDPOINT": "https://westus.api.cognitive.microsoft.com/"},
            "https://westus.tts.speech.microsoft.com",
        ),
        (
            {"AZURE_SPEECH_ENDPOINT": "https://mine.cognitiveservices.azure.com/"},
            "https://mine.cognitiveservices.azure.com/tts",
        ),
        ({"AZURE_SPEECH_ENDPOINT": "https://proxy.test/speech"}, "https://proxy.test/speech"),
    ],
)
def test_where_the_service_is(environment: dict[str, str], address: str) -> None:
    assert _base_url(settings_of(environment)) == address


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({}, ["AZURE_SPEECH_KEY", "AZURE_SPEECH_REGION"]),
        ({"AZURE_SPEECH_KEY": "k"}, ["AZURE_SPEECH_REGION"]),
        ({"AZURE_SPEECH_REGION": "eastasia"}, ["AZURE_SPEECH_KEY"]),
        ({"AZURE_SPEECH_KEY": "k", "AZURE_SPEECH_ENDPOINT": "http://127.0.0.1:9"}, []),
    ],
)
def test_what_is_missing_is_named(environment: dict[str, str], missing: list[str]) -> None:
    azure = Azure(settings_of(environment))
    assert list(azure.missing_settings) == missing
    azure.close()


def test_text_and_voice_cannot_leave_their_place() -> None:
    line = Line("""</voice><voice name="x">&amp; 'q' "r" ]]>""", """a" b='c'><x/>""", 'zh"-TW')
    root = ElementTree.fromstring(ssml(line))  # noqa: S314 - from our own hands
    [voice] = root
    assert (voice.text, voice.get("name"), len(voice)) == (line.text, line.voice_id, 0)
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == line.language


def test_what_xml_cannot_carry_is_refused_for_good() -> None:
    with pytest.raises(ProviderError, match="SSML") as refused:
        ssml(Line("a\x0bb", "zh-TW-HsiaoYuNeural", "zh-TW"))
    assert refused.value.permanent


def test_a_turn_that_surely_lasts_over_ten_minutes_is_told() -> None:
    azure = Azure(settings_of({}))
    turns = (Turn("A", "好" * 3600, 0), Turn("A", "好" * 3601, 1), Turn("A", "ab " * 3000, 2))
    assignments = (VoiceAssignment("A", "zh-TW-HsiaoYuNeural"),)
    problems = azure.check(Script("azure", turns, assignments, "zh-TW", "mp3", 300, 50))
    assert [problem.field for problem in problems] == ["turns[1].text"]
    azure.close()
