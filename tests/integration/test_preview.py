"""How a voice sounds: spoken once for all users, on a real database and bucket, by the stand-in of a vendor."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import av
import pytest

from actors import preview
from actors.preview import Previews, preview_line
from actors.providers.provider import EVERY_LANGUAGE, Provider, ProviderError, Voice
from scheduler import retention
from storage import audio_store
from storage.audio_store import ObjectStoreUnavailable
from storage.segment_store import SegmentStore
from storage.stores import Stores
from tests.integration.studio import Rehearsal, rehearsal
from tests.integration.test_retention import in_the_future

ALLOY = Voice("alloy", "Alloy", EVERY_LANGUAGE)


@pytest.fixture
def stage(stores: Stores) -> Iterator[Rehearsal]:
    with rehearsal(stores) as made:
        yield made


@pytest.fixture
def provider(stage: Rehearsal) -> Provider:
    return stage.studio.providers["openai"]


@pytest.fixture
def previews(stores: Stores) -> Previews:
    return Previews(SegmentStore(stores.engine, patience_s=0), stores.audio)


def heard(stage: Rehearsal) -> list[Any]:
    return [call.body["input"] for call in stage.vendor.calls_for("speech")]


def test_a_voice_says_a_sentence_of_its_language_as_mp3(
    stage: Rehearsal, provider: Provider, previews: Previews
) -> None:
    sample = previews.preview(provider, ALLOY, "zh-TW", timeout_s=20)

    assert heard(stage) == ["你好，這就是我的聲音。"]
    with av.open(io.BytesIO(sample), "r") as container:
        assert container.format.name == "mp3"
        assert container.metadata["title"] == "Alloy"
        assert 0 < (container.duration or 0) < 5_000_000


@pytest.mark.parametrize(
    ("tags", "tag"),
    [
        (("en", "en-US", "en-x-a1", "en-x-a2", "en-GB-oed", "xx", "tlh-x-en", None), "en"),
        (("zh-TW", "zh", "cmn-Hant-TW", "zh-TW-x-1"), "zh-TW"),
        (("zh-CN", "zh-Hans", "zh-SG", "zh-Hans-CN-x-1"), "zh-CN"),
        (("zh-HK", "yue", "zh-yue"), "yue"),
    ],
)
def test_what_cannot_be_heard_of_a_language_makes_no_new_preview(tags: Sequence[str | None], tag: str) -> None:
    assert {preview_line(ALLOY, given).language for given in tags} == {tag}


def test_a_made_up_language_is_no_new_call(stage: Rehearsal, provider: Provider, previews: Previews) -> None:
    for number in range(5):
        previews.preview(provider, ALLOY, f"en-x-a{number}", timeout_s=20)

    assert len(heard(stage)) == 1


def test_a_preview_is_spoken_once_whoever_asks(stage: Rehearsal, provider: Provider, stores: Stores) -> None:
    first, second = (Previews(stores.segments, stores.audio) for _ in range(2))

    samples = {made.preview(provider, ALLOY, None, timeout_s=20) for made in (first, second, first)}

    assert len(samples) == len(heard(stage)) == 1
    (key,) = stores.audio.keys()
    assert key.startswith("previews/")


def test_those_who_ask_at_once_wait_for_the_one_that_is_spoken(
    stage: Rehearsal, provider: Provider, previews: Previews
) -> None:
    stage.vendor.delay(0.2)

    with ThreadPoolExecutor(5) as pool:
        samples = set(pool.map(lambda _: previews.preview(provider, ALLOY, None, timeout_s=20), range(5)))

    assert len(samples) == len(heard(stage)) == 1


def test_who_waits_too_long_is_told(stage: Rehearsal, provider: Provider, previews: Previews) -> None:
    stage.vendor.stall()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(previews.preview, provider, ALLOY, None, timeout_s=20)
        stage.vendor.wait_for_calls(1)
        with pytest.raises(ProviderError, match="still speaking"):
            previews.preview(provider, ALLOY, None, timeout_s=0.1)
        stage.vendor.release()
        assert first.result()


@pytest.mark.parametrize("how", ["empty", "garbage", "cut"])
def test_a_vendor_that_does_not_speak_leaves_nothing(
    stage: Rehearsal, provider: Provider, previews: Previews, stores: Stores, how: Any
) -> None:
    stage.vendor.misbehave(how)

    with pytest.raises(ProviderError):
        previews.preview(provider, ALLOY, None, timeout_s=20)

    assert list(stores.audio.keys()) == []
    assert previews.preview(provider, ALLOY, None, timeout_s=20)


def test_a_preview_whose_object_is_gone_is_spoken_again(
    stage: Rehearsal, provider: Provider, previews: Previews, stores: Stores
) -> None:
    for _ in range(2):
        previews.preview(provider, ALLOY, None, timeout_s=20)
        for key in list(stores.audio.keys()):
            stores.audio.delete(key)
    previews.preview(provider, ALLOY, None, timeout_s=20)
    previews.preview(provider, ALLOY, None, timeout_s=20)

    assert len(heard(stage)) == 3


def test_a_preview_that_cannot_be_kept_is_heard_all_the_same(
    stage: Rehearsal, provider: Provider, previews: Previews, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ObjectStoreUnavailable("connection refused")

    monkeypatch.setattr(audio_store.AudioStore, "put", away)

    assert previews.preview(provider, ALLOY, None, timeout_s=20)


def test_a_preview_that_nobody_asks_for_goes(stage: Rehearsal, provider: Provider, stores: Stores) -> None:
    Previews(stores.segments, stores.audio).preview(provider, ALLOY, None, timeout_s=20)

    assert retention.expire_segments(in_the_future(stores, timedelta(days=6))) == 0
    assert retention.expire_segments(in_the_future(stores, timedelta(days=8))) == 1
    assert list(stores.audio.keys()) == []


@pytest.mark.parametrize(
    ("voice", "asked", "sentence", "language"),
    [
        (Voice("v", "V", "ja-JP"), "en", "ja", "ja-JP"),
        (Voice("v", "V", "zh-HK"), None, "yue", "zh-HK"),
        (Voice("v", "V", "zh"), None, "zh", "zh"),
        (Voice("v", "V", "en-GB-scotland"), None, "en", "en-GB-scotland"),
        (Voice("v", "V", "tlh"), None, "en", "tlh"),
        (ALLOY, None, "en", "en"),
        (ALLOY, "de-AT", "de", "de"),
        (ALLOY, "xx", "en", "en"),
    ],
)
def test_what_a_voice_says_is_in_its_own_language(
    voice: Voice, asked: str | None, sentence: str, language: str
) -> None:
    line = preview_line(voice, asked)

    assert (line.text, line.language) == (preview._SENTENCES[sentence], language)
