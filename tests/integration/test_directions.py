"""Directions in a script, all the way to the sound: silence to the sample, styles, and what it costs."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import select

from actors.lines import segment_digest
from actors.providers.provider import Line
from actors.settings import WorkSettings
from storage.jobs import LOCAL_USER_ID, Script, Turn, VoiceAssignment
from storage.rules import JobRules
from storage.run_store import RunStore
from storage.stores import Stores
from storage.tables import segments
from tests.integration.conftest import later
from tests.integration.studio import Rehearsal, rehearsal
from tests.standins import tone
from tests.standins.azure import AzureStandIn
from tests.standins.google import GoogleStandIn
from tests.standins.server import StandIn

VOICES = {"openai": "alloy", "azure": "zh-TW-HsiaoYuNeural", "google": "cmn-TW-Wavenet-A"}

#: What is written, and what is to be heard of it: milliseconds of silence, and words.
PAUSED: list[tuple[str, list[int | str]]] = [
    ("[pause 250ms]你好嗎", [250, "你好嗎"]),
    ("你好嗎[pause 1s]", ["你好嗎", 1000]),
    ("你好嗎[pause 333ms]我很好", ["你好嗎", 333, "我很好"]),
    ("[pause 1.5s]", [1500]),
    (
        "[pause 50ms]你好嗎[pause 0.4s] [pause 100ms]（大笑）我很好，[pause 10s]",
        [50, "你好嗎", 500, "我很好，", 10_000],
    ),
    ("plain words", ["plain words"]),
]


def script(*texts: str, provider: str = "openai", **more: Any) -> Script:
    turns = tuple(Turn("A", text, index) for index, text in enumerate(texts))
    cast = (VoiceAssignment("A", VOICES[provider]),)
    return Script(provider, turns, cast, "zh-TW", "wav", more.get("gap_ms", 300), 50)


@pytest.fixture(scope="module")
def vendors() -> Iterator[dict[str, StandIn]]:
    with ExitStack() as ends:
        yield {
            name: ends.enter_context(make()) for name, make in {"azure": AzureStandIn, "google": GoogleStandIn}.items()
        }


@pytest.fixture
def stage(stores: Stores, vendors: dict[str, StandIn]) -> Iterator[Rehearsal]:
    environment = {name: value for vendor in vendors.values() for name, value in vendor.environment.items()}
    with rehearsal(stores, WorkSettings(turns_at_once=1), environment) as made:
        yield made


def spoken(stage: Rehearsal) -> list[str]:
    return [call.body["input"] for call in stage.vendor.calls_for("speech")]


def perform(stage: Rehearsal, asked: Script) -> Any:
    """The metadata of a completed job."""
    job_id = stage.submit(asked)
    stage.synthesize(job_id)
    stage.assemble(job_id)
    job = stage.job(job_id)
    assert job.result_metadata is not None, job.error_detail
    return {**job.result_metadata, "id": job_id}


def samples_of(stage: Rehearsal, job_id: Any) -> npt.NDArray[np.int16]:
    audio = stage.stores.jobs.audio_file(stage.job(job_id))
    assert audio is not None
    with wave.open(io.BytesIO(b"".join(stage.stores.audio.open(audio.object_key)))) as file:
        assert file.getframerate() == 24_000
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


@pytest.mark.parametrize("provider", VOICES)
def test_a_pause_is_silence_to_the_sample_wherever_it_stands(stage: Rehearsal, provider: str) -> None:
    done = perform(stage, script(*[text for text, _ in PAUSED], provider=provider))
    heard = samples_of(stage, done["id"])
    for (_, expected), timing in zip(PAUSED, done["turn_timings"], strict=True):
        at = 24 * timing["start_ms"]
        for part in expected:
            length = 24 * (part if isinstance(part, int) else tone.duration_ms(part))
            sound = heard[at : at + length]
            if isinstance(part, int):
                assert not sound.any()
            else:
                # A tone passes through 0, also where it begins: never for a millisecond.
                assert sound[:24].any()
                assert sound[-24:].any()
            at += length
        assert at == 24 * timing["end_ms"], "the timeline has the silences in it"


def test_the_pieces_of_a_turn_are_spoken_once_and_found_again_by_themselves(stage: Rehearsal) -> None:
    done = perform(stage, script("好的[pause 1s]好的[pause 1s]再見", "再見", "[pause 2s]再見"))
    assert spoken(stage) == ["好的", "再見"]
    assert (done["billed_characters"], done["cached_characters"]) == (4, 6)

    longer = perform(stage, script("好的[pause 2s]再見"))
    assert spoken(stage) == ["好的", "再見"], "another silence is no other word"
    assert (longer["billed_characters"], longer["cached_characters"]) == (0, 4)

    again = perform(stage, script("好的[pause 2s]再見"))
    assert (again["billed_characters"], again["cached_characters"]) == (0, 4)


def test_what_was_billed_before_a_failure_is_no_gift_of_the_cache(stage: Rehearsal) -> None:
    job_id = stage.submit(script("好的[pause 1s]再見，明天見"))
    provider = stage.studio.providers["openai"]
    speak = provider.speak

    def failing_at_the_second(line: Any, timeout_s: float) -> bytes:
        if line.text.startswith("再見"):
            stage.vendor.fail(1, 503)
            provider.speak = speak  # pyright: ignore[reportAttributeAccessIssue]
        return speak(line, timeout_s)

    provider.speak = failing_at_the_second  # pyright: ignore[reportAttributeAccessIssue]
    assert stage.synthesize(job_id) == 5
    ahead = RunStore(stage.stores.engine, JobRules(), later(timedelta(minutes=1)))
    stage.studio = replace(stage.studio, stores=replace(stage.stores, runs=ahead))
    assert stage.synthesize(job_id) is None
    stage.assemble(job_id)

    done = stage.job(job_id).result_metadata
    assert done is not None
    assert spoken(stage) == ["好的", "再見，明天見", "再見，明天見"]
    assert (done["billed_characters"], done["cached_characters"]) == (8, 0)


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_a_piece_that_the_store_has_lost_or_damaged_is_spoken_again(stage: Rehearsal, harm: str) -> None:
    perform(stage, script("好的[pause 1s]再見"))
    with stage.stores.engine.connect() as connection:
        digest = segment_digest(stage.studio.providers["openai"], Line("再見", "alloy", "zh-TW"))
        key = connection.execute(select(segments.c.object_key).where(segments.c.digest == digest)).scalar_one()
    if harm == "gone":
        stage.stores.audio.delete(key)
    else:
        stage.stores.audio.put(key, b"no sound at all", "audio/wav")

    job_id = stage.submit(script("好的[pause 2s]再見"))
    assert stage.synthesize(job_id) == 5
    ahead = RunStore(stage.stores.engine, JobRules(), later(timedelta(minutes=1)))
    stage.studio = replace(stage.studio, stores=replace(stage.stores, runs=ahead))
    assert stage.synthesize(job_id) is None
    assert spoken(stage) == ["好的", "再見", "再見"]


def test_a_style_within_a_line_is_told_to_the_vendor_from_there_on(stage: Rehearsal) -> None:
    perform(stage, script("Hello. [whispering] Come here."))
    asked = [(call.body["input"], call.body.get("instructions")) for call in stage.vendor.calls_for("speech")]
    assert asked == [("Hello.", None), ("Come here.", "Speak in this manner: whispering.")]


def test_where_the_vendor_has_no_styles_a_line_with_one_is_spoken_in_one_go(
    stage: Rehearsal, vendors: dict[str, StandIn]
) -> None:
    vendors["google"].reset()
    perform(stage, script("Hello. [whispering] Come here.", "（開心）你好（笑）嗎", provider="google"))
    asked = sorted(call.body["input"]["text"] for call in vendors["google"].calls_for("speech"))
    assert asked == ["Hello. Come here.", "你好嗎"]


def test_two_jobs_that_need_the_same_pieces_both_come_to_their_end(stage: Rehearsal) -> None:
    first, second = (
        stage.stores.jobs.submit(LOCAL_USER_ID, script(text)).id for text in ("a[pause 1s]b", "b[pause 1s]a")
    )
    for job_id in (first, second):
        stage.synthesize(job_id)
        stage.assemble(job_id)
    assert sorted(spoken(stage)) == ["a", "b"]
