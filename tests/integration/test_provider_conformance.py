"""What every provider does alike, whoever the vendor: the protocol of actors/providers/provider.py, as tests."""

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import pytest
from structlog.testing import capture_logs

from actors.lexicon import as_written
from actors.providers import PROVIDERS
from actors.providers.delivery import deliverable, undeliverable
from actors.providers.provider import Line, Provider, ProviderError
from actors.providers.registry import make_providers, speaking
from service.requests.spoken import spoken_script
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins.azure import AzureStandIn
from tests.standins.cartesia import CartesiaStandIn
from tests.standins.deepgram import DeepgramStandIn
from tests.standins.elevenlabs import ElevenLabsStandIn
from tests.standins.gemini import GeminiStandIn
from tests.standins.google import GoogleStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.polly import PollyStandIn
from tests.standins.server import StandIn
from tests.standins.settings import settings_of

#: A model of our own has the processor to itself on no machine that runs tests.
ENOUGH_S = 60.0


@dataclass(frozen=True)
class Vendor:
    """A way to reach a provider's vendor: its stand-in, or None where the vendor is in the house."""

    stand_in: Callable[[], StandIn] | None
    voice_id: str
    #: One that it has two voices of: zh-TW, but for vendors without Taiwanese Mandarin.
    language: str = "zh-TW"


VENDORS: Mapping[str, Vendor] = {
    "kokoro": Vendor(None, "man-deep"),
    "espeak": Vendor(None, "cmn+f2"),
    "azure": Vendor(AzureStandIn, "zh-TW-HsiaoYuNeural"),
    "openai": Vendor(OpenAIStandIn, "alloy"),
    "elevenlabs": Vendor(ElevenLabsStandIn, "EXAVITQu4vr4xnSDxMaL"),
    "google": Vendor(GoogleStandIn, "cmn-TW-Wavenet-A"),
    "gemini": Vendor(GeminiStandIn, "Kore"),
    "polly": Vendor(PollyStandIn, "Joanna", "en-US"),
    "cartesia": Vendor(CartesiaStandIn, "e90c6678-f0d3-4767-9883-5d0ecf5894a8"),
    "deepgram": Vendor(DeepgramStandIn, "aura-2-thalia-en", "en-US"),
}


WORDS: Mapping[str, str] = {"zh-TW": "你好，今天天氣很好。", "en-US": "Hello, the weather is fine."}


@pytest.fixture(params=VENDORS, scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def environment(name: str, session_directory: Path) -> Iterator[Mapping[str, str]]:
    make = VENDORS[name].stand_in
    with make() if make else nullcontext() as stand_in:
        local = {"DATA_DIR": str(session_directory), "KOKORO_THREADS": "1"}
        yield stand_in.environment if stand_in else local


@pytest.fixture(scope="module")
def provider(name: str, environment: Mapping[str, str]) -> Iterator[Provider]:
    """One for all tests: a model is loaded once."""
    made = PROVIDERS[name](settings_of(environment))
    yield made
    made.close()


@pytest.fixture
def line(name: str) -> Line:
    vendor = VENDORS[name]
    return Line(WORDS[vendor.language], vendor.voice_id, vendor.language)


def script(provider: Provider, text: str, voice_id: str, style: str | None = None) -> Script:
    turns = (Turn("A", "OK", 0), Turn("A", text, 1))
    cast = (VoiceAssignment("A", voice_id, style=style),)
    return Script(provider.name, turns, cast, "zh-TW", "mp3", 300, 50)


def decoded_samples(audio: bytes) -> int:
    with av.open(io.BytesIO(audio), mode="r") as container:
        return sum(frame.samples for frame in container.decode(audio=0))


def test_every_vendor_is_tested_here() -> None:
    assert VENDORS.keys() == PROVIDERS.keys()


def test_the_registry_makes_one_of_each() -> None:
    providers = make_providers(settings_of({}))
    assert {name: provider.name for name, provider in providers.items()} == {name: name for name in PROVIDERS}
    for provider in providers.values():
        provider.close()


def test_a_key_that_is_too_short_to_be_hidden_is_warned_about_at_the_start() -> None:
    with capture_logs() as logs, speaking(settings_of({"OPENAI_API_KEY": "7654321", "AZURE_SPEECH_KEY": "87654321"})):
        [warning] = logs
    assert (warning["log_level"], warning["setting"]) == ("warning", "OPENAI_API_KEY")
    assert "7654321" not in str(warning)


def test_it_says_what_it_is(provider: Provider, name: str) -> None:
    assert provider.name == name
    assert provider.synthesis_mode in {"native", "segmented"}
    assert provider.max_speakers >= 1
    assert provider.character_limit >= 1
    assert all(isinstance(feature, str) for feature in provider.advanced_features)
    assert provider.missing_settings == ()


def test_its_fingerprint_is_the_same_in_every_process_and_holds_no_key(
    provider: Provider, name: str, environment: Mapping[str, str]
) -> None:
    another = PROVIDERS[name](settings_of(environment))
    assert provider.fingerprint == another.fingerprint
    keys = [value for variable, value in environment.items() if variable.endswith("KEY")]
    assert not any(key in provider.fingerprint for key in keys)
    another.close()


def test_it_speaks_audio_that_decodes(provider: Provider, line: Line) -> None:
    assert decoded_samples(provider.speak(line, ENOUGH_S)) > 4000


def test_a_longer_turn_takes_longer(provider: Provider, line: Line) -> None:
    twice = replace(line, text=line.text * 2)
    assert decoded_samples(provider.speak(twice, ENOUGH_S)) > 1.5 * decoded_samples(provider.speak(line, ENOUGH_S))


def test_the_same_line_sounds_the_same(provider: Provider, line: Line) -> None:
    assert provider.speak(line, ENOUGH_S) == provider.speak(line, ENOUGH_S)


def test_another_voice_sounds_different(provider: Provider, line: Line) -> None:
    other = next(
        v.voice_id for v in provider.voices(ENOUGH_S) if v.voice_id != line.voice_id and v.speaks(line.language)
    )
    assert provider.speak(line, ENOUGH_S) != provider.speak(replace(line, voice_id=other), ENOUGH_S)


def test_a_line_is_faster_or_slower_where_the_vendor_has_speeds(provider: Provider, line: Line) -> None:
    delivery = provider.delivery(line.voice_id)
    usual = decoded_samples(provider.speak(line, ENOUGH_S))
    for speed in {delivery.slowest, delivery.fastest, 0.5, 2.0} - {1.0}:
        asked = deliverable(replace(line, speed=speed), provider)
        assert asked.speed == min(max(speed, delivery.slowest), delivery.fastest)
        heard = decoded_samples(provider.speak(asked, ENOUGH_S))
        assert usual / heard == pytest.approx(asked.speed, rel=0.2)


def test_a_style_is_heard_where_the_vendor_has_it_and_left_out_where_not(provider: Provider, line: Line) -> None:
    for style in ("開心", "sad", "as if nothing had happened"):
        asked = deliverable(replace(line, style=style), provider)
        sounds_otherwise = provider.speak(asked, ENOUGH_S) != provider.speak(line, ENOUGH_S)
        assert sounds_otherwise == (asked.style is not None)
        warned = [p.text.en for p in undeliverable(script(provider, "OK", line.voice_id, style), provider)]
        # A vendor that has the style may have told by now that this voice has it not.
        assert warned or asked.style is not None
        assert all(provider.name in words and style in words for words in warned)


@pytest.mark.parametrize("style", ['"/><voice name="x">', "</mstts:express-as>", "]] [laughs", "a\"b'c&d", "{{x}}"])
def test_a_style_stays_in_its_place_whatever_it_looks_like(provider: Provider, line: Line, style: str) -> None:
    """Requests hold no such style; this is the vendor's file by itself, which is asked for the same words or fewer."""
    usual = decoded_samples(provider.speak(line, ENOUGH_S))
    for asked in (replace(line, style=style, speed=1.0), deliverable(replace(line, style=style), provider)):
        try:
            heard = decoded_samples(provider.speak(asked, ENOUGH_S))
        except ProviderError as refusal:
            assert refusal.permanent  # noqa: PT017 - a vendor that has a list of its own refuses what is not on it
        else:
            assert abs(heard - usual) <= 2


@pytest.mark.parametrize("text", ['<b>&amp;</b> "it\'s" ]]>', "a\tb\r\nc", "👋 𠮷 ﷽ hello", "[[h@l'oU]] {x} %s \\n"])
def test_text_is_text_whatever_it_looks_like(provider: Provider, line: Line, text: str) -> None:
    assert not provider.check(script(provider, text, line.voice_id))
    assert decoded_samples(provider.speak(replace(line, text=text), ENOUGH_S)) > 0


def test_many_threads_share_it(provider: Provider, line: Line) -> None:
    lines = [replace(line, text=f"好{n}。") for n in range(8)]
    one_by_one = [provider.speak(each, ENOUGH_S) for each in lines]
    together = threading.Barrier(len(lines))

    def speak(each: Line) -> bytes:
        together.wait()
        return provider.speak(each, len(lines) * ENOUGH_S)

    with ThreadPoolExecutor(len(lines)) as threads:
        assert list(threads.map(speak, lines)) == one_by_one


def test_its_voices_can_be_told_apart_and_used(provider: Provider) -> None:
    voices = provider.voices(ENOUGH_S)
    assert voices
    assert len({voice.voice_id for voice in voices}) == len(voices)
    for voice in voices:
        assert voice.voice_name
        assert voice.language
        assert voice.gender in {"female", "male", "neutral", None}
        assert not provider.check(script(provider, "きょう", voice.voice_id))


def test_it_has_voices_for_the_language_of_a_job_that_names_none(provider: Provider, name: str) -> None:
    """But for a vendor that has no Taiwanese Mandarin, which the README says."""
    spoken = any(voice.speaks("zh-TW") for voice in provider.voices(ENOUGH_S))
    assert spoken == (VENDORS[name].language == "zh-TW")


@pytest.mark.parametrize("voice_id", ["", " ", "../alloy", "a\nb", "a\0b", '"><x', "x" * 1000])
def test_an_unsafe_voice_is_told_before_anybody_is_asked(provider: Provider, voice_id: str) -> None:
    assert [p.field for p in provider.check(script(provider, "好", voice_id))] == ["voice_assignments[0].voice_id"]


@pytest.mark.parametrize("text", ["……", "a\x0bb", "\ufffe好"])
def test_a_turn_that_cannot_be_spoken_is_told_before_anybody_is_asked(
    provider: Provider, line: Line, text: str
) -> None:
    [problem] = provider.check(script(provider, text, line.voice_id))
    assert problem.field == "turns[1].text"
    assert problem.text.zh
    assert problem.text.en


def test_too_long_a_turn_is_told_before_anybody_is_asked(provider: Provider, line: Line) -> None:
    problems = provider.check(script(provider, "好" * 100_001, line.voice_id))
    assert {problem.field for problem in problems} == {"turns[1].text"}


def test_too_long_a_turn_of_sentences_is_divided_into_what_the_vendor_takes(provider: Provider, line: Line) -> None:
    sentence = WORDS["zh-TW"]
    assert provider.fits(sentence)
    longest = next(n for n in range(10, 20_000, 10) if not provider.fits(sentence * n))
    asked = script(provider, sentence * longest, line.voice_id)
    assert [problem.field for problem in provider.check(asked)] == ["turns[1].text"]
    assert provider.check(spoken_script(asked, provider, as_written)) == []


def test_the_voices_that_are_known_are_those_it_has(provider: Provider) -> None:
    everything = list(provider.voices(ENOUGH_S))
    assert list(provider.known_voices()) == everything


def test_an_unknown_voice_is_refused_for_good(provider: Provider, line: Line) -> None:
    with pytest.raises(ProviderError) as raised:
        provider.speak(replace(line, voice_id="Nobody"), ENOUGH_S)
    assert raised.value.permanent


def test_no_time_is_too_little_time(provider: Provider, line: Line) -> None:
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, 0.0001)
    assert not raised.value.permanent
    assert provider.speak(line, ENOUGH_S), "the next call is good again"


def test_after_its_end_it_speaks_no_more(name: str, environment: Mapping[str, str], line: Line) -> None:
    provider = PROVIDERS[name](settings_of(environment))
    provider.speak(line, ENOUGH_S)
    provider.close()
    provider.close()
    with pytest.raises(ProviderError) as raised:
        provider.speak(line, ENOUGH_S)
    assert not raised.value.permanent


def test_unconfigured_it_can_still_be_made_and_shown(name: str) -> None:
    unconfigured = PROVIDERS[name](settings_of({}))
    needs_a_key: Any = name not in {"espeak", "kokoro"}
    assert bool(unconfigured.missing_settings) == needs_a_key
    assert unconfigured.fingerprint
    assert unconfigured.character_limit
    unconfigured.close()
