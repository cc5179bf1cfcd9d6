"""actors/providers/delivery.py: one word for several vendors; and what a segment's address makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from actors.lines import digest_of, parts_of, segment_digest
from actors.providers import PROVIDERS
from actors.providers.delivery import MEANINGS, deliverable, speed_of, style_of, undeliverable
from actors.providers.provider import Delivery, Line, Provider
from storage.jobs import Script, Turn, VoiceAssignment
from tests.standins.settings import settings_of

#: Segments that were spoken before lines had a speed and a style: their addresses, first and in another take. Those of
#: kokoro have the versions of its packages in them, and are not here.
OLD_ADDRESSES = {
    "espeak": ("e687b7f42bdd4253", "68f6f179295e9949"),
    "azure": ("50ec4b8727929657", "002b8fdf3fe2cd14"),
    "openai": ("c5b9da9ef4124739", "bef0c128eda40776"),
    "elevenlabs": ("28e3f393712814b7", "8016c9107f2f466f"),
    "google": ("fba045f91db2819b", "8d90962ee5ffe20d"),
    "gemini": ("02998de94c8eedb0", "5a43cc261285e6d5"),
    "polly": ("4ae6a12cbe9b86cb", "b0c9e99c26ea5619"),
    "cartesia": ("14129b5a1b2dba31", "ec7fa66c2c0279d6"),
    "deepgram": ("6e184cb998621282", "04455c38febbe8a9"),
}


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    with closing(PROVIDERS[request.param](settings_of({}))) as made:
        yield made


def script(*turns: Turn, cast: tuple[VoiceAssignment, ...] = (VoiceAssignment("A", "v"),)) -> Script:
    return Script("stub", turns, cast, "zh-TW", "mp3", 300, 50)


@pytest.mark.parametrize(
    ("styles", "takes_any", "asked", "called"),
    [
        (("cheerful", "sad"), False, "cheerful", "cheerful"),
        (("cheerful", "sad"), False, " Cheerful ", "cheerful"),
        (("cheerful", "sad"), False, "開心", "cheerful"),
        (("neutral", "happy"), False, "開心", "happy"),
        (("Sad",), False, "悲傷", "Sad"),
        (("cheerful",), False, "sad", None),
        (("cheerful",), False, "like a tired king", None),
        ((), True, " like a tired king ", "like a tired king"),
        (("whispering",), True, "耳語", "whispering"),
        ((), False, "cheerful", None),
    ],
)
def test_a_style_is_called_as_the_vendor_calls_it(
    styles: tuple[str, ...], takes_any: bool, asked: str, called: str | None
) -> None:
    assert style_of(Delivery(styles=styles, takes_any_style=takes_any), asked) == called


@pytest.mark.parametrize(("asked", "given"), [(0.5, 0.7), (0.7, 0.7), (1.0, 1.0), (1.3, 1.2), (2.0, 1.2)])
def test_the_nearest_speed_is_taken(asked: float, given: float) -> None:
    assert speed_of(Delivery(0.7, 1.2), asked) == given


def test_no_word_means_two_things() -> None:
    words = [word for meaning in MEANINGS for word in meaning]
    assert len(words) == len(set(words))
    assert all(word == word.casefold().strip() for word in words)


def test_a_turn_has_its_own_manner_or_its_speakers() -> None:
    cast = (VoiceAssignment("A", "v", speed=1.2, style="sad"), VoiceAssignment("B", "w"))
    turns = (Turn("A", "x", 0), Turn("A", "x", 1, speed=0.8, style="calm"), Turn("B", "x", 2))
    asked = script(*turns, cast=cast)
    manners = [(asked.speed_for(turn), asked.style_for(turn)) for turn in turns]
    assert manners == [(1.2, "sad"), (0.8, "calm"), (1.0, None)]


def test_a_script_with_manners_survives_json() -> None:
    asked = script(Turn("A", "x", 0, speed=0.8, style="calm"), cast=(VoiceAssignment("A", "v", None, 1.2, "sad"),))
    assert Script.from_json(asked.as_json()) == asked
    plain = script(Turn("A", "x", 0)).as_json()
    assert plain["turns"] == [{"speaker": "A", "text": "x", "index": 0}]
    assert plain["voice_assignments"] == [{"speaker": "A", "voice_id": "v", "voice_name": None}]


@pytest.mark.parametrize("provider", OLD_ADDRESSES, indirect=True)
def test_what_was_spoken_before_is_found_where_it_was(provider: Provider) -> None:
    parts = parts_of(script(Turn("A", "你好 hello", 0)), Turn("A", "你好 hello", 0), provider)
    digests = [digest_of(provider, parts, take).hex()[:16] for take in (None, "t")]
    assert tuple(digests) == OLD_ADDRESSES[provider.name]


def test_what_is_heard_is_part_of_the_address_and_what_is_not_is_none(provider: Provider) -> None:
    plain = Line("你好", "v-en", "zh-TW")

    def digest(line: Line) -> bytes:
        return segment_digest(provider, deliverable(line, provider))

    delivery = provider.delivery(plain.voice_id)
    has_speeds = delivery.fastest > delivery.slowest
    has_styles = bool(delivery.styles) or delivery.takes_any_style
    assert (digest(replace(plain, speed=delivery.fastest)) != digest(plain)) == has_speeds
    assert (digest(replace(plain, style="sad")) != digest(plain)) == has_styles
    assert digest(replace(plain, style="悲傷")) == digest(replace(plain, style="sad")) or delivery.takes_any_style
    assert digest(replace(plain, speed=delivery.fastest)) == digest(replace(plain, speed=9.0))


class Limited:
    """Of a provider, what warnings ask about."""

    name = "limited"

    def delivery(self, voice_id: str) -> Delivery:
        return Delivery() if voice_id == "flat" else Delivery(0.7, 1.2, ("cheerful",))


def told(asked: Script) -> list[tuple[str, str]]:
    return [(p.field, p.text.en) for p in undeliverable(asked, Limited())]  # type: ignore[arg-type]


def test_what_is_left_out_is_told_with_vendor_and_style_and_once() -> None:
    cast = (VoiceAssignment("A", "v", speed=1.1, style="sad"), VoiceAssignment("B", "v", speed=2.0, style="happy"))
    turns = (Turn("A", "x", 0, style="sad"), Turn("A", "x", 1, style="angry"), Turn("B", "x", 2, speed=2.0))
    assert told(script(*turns, cast=cast)) == [
        ("voice_assignments[0].style", "limited has no style “sad”: it is left out"),
        ("turns[1].style", "limited has no style “angry”: it is left out"),
        ("voice_assignments[1].speed", "limited speaks at 0.7 to 1.2: the nearest of it is taken for 2"),
    ]


def test_another_voice_for_a_line_may_have_less_than_its_speakers() -> None:
    cast = (VoiceAssignment("A", "v", speed=1.1, style="cheerful"),)
    assert told(script(Turn("A", "x", 0), Turn("A", "x", 1, voice_id="flat"), cast=cast)) == [
        ("turns[1].style", "limited has no style “cheerful”: it is left out"),
        ("turns[1].speed", "limited has one speed alone: 1.1 is left out"),
    ]
