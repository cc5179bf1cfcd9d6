"""Captions and waveform over HTTP."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import update

from embedded.object_store import ObjectStore
from storage.tables import audio_files, jobs
from tests.service_api import SCRIPT, Api, running_api, script_from, settings_of

WAVEFORM = b"\x00\x80\xff\x7f" + b"\x00\x00\x00\x40"
TIMINGS = [{"turn_index": 0, "start_ms": 0, "end_ms": 2500}, {"turn_index": 1, "start_ms": 2800, "end_ms": 5200}]

METADATA = {
    "duration_ms": 5200,
    "latency_ms": 10,
    "synthesis_mode": "segmented",
    "billed_characters": 1,
    "cached_characters": 0,
}


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    with running_api(database_url, settings_of(object_store, bucket)) as running:
        yield running


def completed(api: Api) -> str:
    """The id of a job that has captions and a waveform."""
    job_id = api.completed()
    with api.stores.engine.begin() as connection:
        connection.execute(update(audio_files).values(peaks=WAVEFORM))
        connection.execute(update(jobs).values(result_metadata={**METADATA, "turn_timings": TIMINGS}))
    return job_id


def test_captions_are_webvtt_unless_srt_is_asked_for(api: Api) -> None:
    url = f"/api/v1/jobs/{completed(api)}/captions"

    vtt, srt = api.client.get(url), api.client.get(f"{url}?format=srt")

    assert vtt.headers["content-type"] == "text/vtt; charset=utf-8"
    assert vtt.content.decode() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\n<v A>你好，今天天氣真好！\n\n"
        "00:00:02.800 --> 00:00:05.200\n<v B>是啊，要不要一起去公園走走？\n"
    )
    assert srt.headers["content-type"] == "application/x-subrip; charset=utf-8"
    assert srt.content.decode().startswith("1\n00:00:00,000 --> 00:00:02,500\nA: 你好，今天天氣真好！\n\n2\n")


def test_captions_have_no_tags(api: Api) -> None:
    job_id = completed(api)
    first, *others = SCRIPT["turns"]
    directed = {**SCRIPT, "turns": [{**first, "text": "[whispering]等[pause 1s]一下（笑）"}, *others]}
    with api.stores.engine.begin() as connection:
        connection.execute(update(jobs).values(input_params=script_from(directed).as_json()))

    captions = api.client.get(f"/api/v1/jobs/{job_id}/captions").content.decode()

    assert "<v A>等 一下（笑）\n" in captions


def test_captions_are_saved_under_a_safe_name_or_shown(api: Api) -> None:
    job_id = completed(api)
    url = f"/api/v1/jobs/{job_id}/captions"

    assert (
        api.client.get(url)
        .headers["content-disposition"]
        .startswith(f'attachment; filename="readthrough-{job_id}.vtt"')
    )
    shown = api.client.get(f"{url}?format=srt&disposition=inline").headers["content-disposition"]
    assert shown.startswith(f'inline; filename="readthrough-{job_id}.srt"')


@pytest.mark.parametrize(("query", "field"), [("format=ass", "format"), ("disposition=evil", "disposition")])
def test_what_captions_cannot_be_is_refused(api: Api, query: str, field: str) -> None:
    answer = api.client.get(f"/api/v1/jobs/{completed(api)}/captions?{query}")

    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert [problem["field"] for problem in answer.json()["details"]["problems"]] == [field]


def test_the_waveform_comes_as_pairs_and_may_be_kept(api: Api) -> None:
    url = f"/api/v1/jobs/{completed(api)}/peaks"

    answer = api.client.get(url)

    assert answer.json() == {"peaks": [[-1, 1], [0, 0.5]], "duration_ms": 5200}
    known = api.client.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", answer.headers["etag"])


def test_a_job_from_before_there_were_waveforms_has_an_empty_one(api: Api) -> None:
    assert api.client.get(f"/api/v1/jobs/{api.completed()}/peaks").json() == {"peaks": [], "duration_ms": 5200}


@pytest.mark.parametrize("what", ["captions", "peaks"])
def test_a_job_that_is_not_completed_or_does_not_exist_has_neither(api: Api, what: str) -> None:
    for job_id, code in ((api.submit(), "JOB_NOT_COMPLETED"), (str(uuid4()), "JOB_NOT_FOUND"), ("x", "JOB_NOT_FOUND")):
        answer = api.client.get(f"/api/v1/jobs/{job_id}/{what}")
        assert (answer.status_code, answer.json()["error"]) == (404, code)


def test_the_waveform_goes_with_its_audio_and_the_words_stay(api: Api) -> None:
    job_id = completed(api)
    with api.stores.engine.begin() as connection:
        connection.execute(update(jobs).values(audio_file_id=None))

    gone = api.client.get(f"/api/v1/jobs/{job_id}/peaks")

    assert (gone.status_code, gone.json()["error"]) == (410, "AUDIO_EXPIRED")
    assert api.client.get(f"/api/v1/jobs/{job_id}/captions").status_code == 200
