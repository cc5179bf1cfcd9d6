"""Bad requests of every kind: each gets its 4xx with all of its problems named, and leaves no row behind."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from embedded.object_store import ObjectStore
from tests.service_api import SCRIPT, Api, StubProvider, running_api, settings_of

TURNS: list[Any] = SCRIPT["turns"]
VOICES: list[Any] = SCRIPT["voice_assignments"]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def api(database_url: str, object_store: ObjectStore, bucket: str) -> Iterator[Api]:
    providers = (
        StubProvider(),
        StubProvider("duet", max_speakers=2, character_limit=10),
        StubProvider("unset", missing_settings=("UNSET_KEY",)),
    )
    with running_api(database_url, settings_of(object_store, bucket), providers=providers) as running:
        yield running


def script(**changes: Any) -> dict[str, Any]:
    return {**SCRIPT, **changes}


def with_turn_voice(voice_id: str) -> dict[str, Any]:
    first, *others = SCRIPT["turns"]
    return script(turns=[{**first, "voice_id": voice_id}, *others])


def turn(**changes: Any) -> list[Any]:
    """The turns, the second with changes."""
    return [TURNS[0], {**TURNS[1], **changes}]


def voice(**changes: Any) -> list[Any]:
    return [VOICES[0], {**VOICES[1], **changes}]


def without(item: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != name}


def speakers(count: int) -> dict[str, Any]:
    return {
        "turns": [{"speaker": f"S{n}", "text": "好", "index": n} for n in range(count)],
        "voice_assignments": [{"speaker": f"S{n}", "voice_id": "v-tw"} for n in range(count)],
    }


BAD: list[tuple[str, Any, list[str]]] = [
    ("nothing", {}, ["provider", "turns", "voice_assignments"]),
    ("an array", [], ["body"]),
    ("a string", "x", ["body"]),
    ("null", None, ["body"]),
    ("an unknown field", script(speed=2), ["speed"]),
    ("an unknown field of a turn", script(turns=turn(emotion="sad")), ["turns[1].emotion"]),
    ("an unknown field of a voice", script(voice_assignments=voice(pitch="x")), ["voice_assignments[1].pitch"]),
    ("a speed that is too slow", script(voice_assignments=voice(speed=0.49)), ["voice_assignments[1].speed"]),
    ("a speed that is too fast", script(turns=turn(speed=2.01)), ["turns[1].speed"]),
    ("a speed that is a string", script(turns=turn(speed="1")), ["turns[1].speed"]),
    ("a speed that is true", script(turns=turn(speed=True)), ["turns[1].speed"]),
    ("a huge speed", script(turns=turn(speed=10**400)), ["turns[1].speed"]),
    ("a pause that is too long", script(turns=turn(text="a[pause 11s]b")), ["turns[1].text"]),
    ("a pause without a length", script(turns=turn(text="a[pause]b")), ["turns[1].text"]),
    ("a minute of pauses in a line", script(turns=turn(text="a" + "[pause 10s]b" * 7)), ["turns[1].text"]),
    ("a line of directions alone", script(turns=turn(text="（大笑）")), ["turns[1].text"]),
    (
        "ten minutes of pauses",
        script(turns=[{"speaker": "AB"[n % 2], "text": "好[pause 10s]", "index": n} for n in range(61)]),
        ["turns"],
    ),
    ("an empty style", script(voice_assignments=voice(style="")), ["voice_assignments[1].style"]),
    ("a blank style", script(turns=turn(style="　")), ["turns[1].style"]),
    ("a style that is a number", script(turns=turn(style=1)), ["turns[1].style"]),
    ("a style with a tag", script(turns=turn(style="sad</mstts:express-as>")), ["turns[1].style"]),
    ("a style with brackets", script(turns=turn(style="sad] [laughs")), ["turns[1].style"]),
    ("a style with half a surrogate pair", script(turns=turn(style="\ud800")), ["turns[1].style"]),
    ("a style that is too long", script(turns=turn(style="x" * 101)), ["turns[1].style"]),
    ("a field named by half a surrogate pair", {**SCRIPT, "\ud800": 1}, ["body"]),
    ("a provider of the wrong type", script(provider=5), ["provider"]),
    ("turns of the wrong type", script(turns="A: hi"), ["turns"]),
    ("turns as an object", script(turns={"0": TURNS[0]}), ["turns"]),
    ("no turns", script(turns=[]), ["turns"]),
    ("a turn of the wrong type", script(turns=[TURNS[0], "B: hi"]), ["turns[1]"]),
    ("a turn that is null", script(turns=[TURNS[0], None]), ["turns[1]"]),
    ("no speaker", script(turns=[TURNS[0], without(TURNS[1], "speaker")]), ["turns[1].speaker"]),
    ("an empty speaker", script(turns=turn(speaker="")), ["turns[1].speaker"]),
    ("a blank speaker", script(turns=turn(speaker=" ")), ["turns[1].speaker"]),
    ("a speaker who is a number", script(turns=turn(speaker=1)), ["turns[1].speaker"]),
    ("a speaker with NUL", script(turns=turn(speaker="B\0")), ["turns[1].speaker"]),
    ("no text", script(turns=[TURNS[0], without(TURNS[1], "text")]), ["turns[1].text"]),
    ("an empty text", script(turns=turn(text="")), ["turns[1].text"]),
    ("a blank text", script(turns=turn(text=" \n\u3000")), ["turns[1].text"]),
    ("a text that is null", script(turns=turn(text=None)), ["turns[1].text"]),
    ("a text with NUL", script(turns=turn(text="a\0b")), ["turns[1].text"]),
    ("a text with half a surrogate pair", script(turns=turn(text="a\ud800b")), ["turns[1].text"]),
    (
        "a voice id with half a surrogate pair",
        script(voice_assignments=voice(voice_id="\udfff")),
        ["voice_assignments[1].voice_id"],
    ),
    ("a text that the provider refuses", script(turns=turn(text="好" * 501)), ["turns[1].text"]),
    ("no index", script(turns=[TURNS[0], without(TURNS[1], "index")]), ["turns[1].index"]),
    ("an index that is a string", script(turns=turn(index="1")), ["turns[1].index"]),
    ("an index that is a float", script(turns=turn(index=1.0)), ["turns[1].index"]),
    ("an index that is true", script(turns=turn(index=True)), ["turns[1].index"]),
    ("a negative index", script(turns=turn(index=-1)), ["turns[1].index"]),
    ("a gap in the indexes", script(turns=turn(index=2)), ["turns[1].index"]),
    ("a huge index", script(turns=turn(index=10**100)), ["turns[1].index"]),
    ("an index twice", script(turns=turn(index=0)), ["turns[0].index", "turns[1].index"]),
    ("no voices", script(voice_assignments=[]), ["voice_assignments"]),
    ("voices of the wrong type", script(voice_assignments={"A": "v-tw"}), ["voice_assignments"]),
    ("a speaker without a voice", script(voice_assignments=VOICES[:1]), ["voice_assignments"]),
    ("a speaker with two voices", script(voice_assignments=[*VOICES, VOICES[0]]), ["voice_assignments[2].speaker"]),
    (
        "a voice for nobody",
        script(voice_assignments=[*VOICES, {"speaker": "C", "voice_id": "v-tw"}]),
        ["voice_assignments[2].speaker"],
    ),
    ("no voice id", script(voice_assignments=[VOICES[0], {"speaker": "B"}]), ["voice_assignments[1].voice_id"]),
    ("an empty voice id", script(voice_assignments=voice(voice_id="")), ["voice_assignments[1].voice_id"]),
    ("an unknown voice", script(voice_assignments=voice(voice_id="nobody")), ["voice_assignments[1].voice_id"]),
    (
        "a voice name of the wrong type",
        script(voice_assignments=voice(voice_name=3)),
        ["voice_assignments[1].voice_name"],
    ),
    ("a voice name with NUL", script(voice_assignments=voice(voice_name="\0")), ["voice_assignments[1].voice_name"]),
    ("a language of the wrong type", script(language=None), ["language"]),
    ("a language that is none", script(language="Traditional Chinese"), ["language"]),
    ("a language with an underscore", script(language="zh_TW"), ["language"]),
    ("a language with a line end", script(language="zh-TW\n"), ["language"]),
    ("an empty language", script(language=""), ["language"]),
    ("a language without an end", script(language="zh-" + "abcdefgh-" * 20 + "x"), ["language"]),
    ("an unknown format", script(output_format="aac"), ["output_format"]),
    ("levelling that is neither on nor off", script(normalize="yes"), ["normalize"]),
    ("an unknown voice for one line", with_turn_voice("nobody"), ["turns[0].voice_id"]),
    ("an empty voice for one line", with_turn_voice(""), ["turns[0].voice_id"]),
    ("a format in capitals", script(output_format="MP3"), ["output_format"]),
    ("a format of the wrong type", script(output_format=["mp3"]), ["output_format"]),
    ("a gap below zero", script(gap_ms=-1), ["gap_ms"]),
    ("a gap above the limit", script(gap_ms=2001), ["gap_ms"]),
    ("a gap that is a string", script(gap_ms="300"), ["gap_ms"]),
    ("a gap that is a float", script(gap_ms=300.0), ["gap_ms"]),
    ("a gap that is null", script(gap_ms=None), ["gap_ms"]),
    ("a crossfade above the limit", script(crossfade_ms=501), ["crossfade_ms"]),
    ("a crossfade that is a bool", script(crossfade_ms=False), ["crossfade_ms"]),
    ("a huge number", script(crossfade_ms=10**1000), ["crossfade_ms"]),
    ("seven speakers", script(**speakers(7)), ["turns"]),
    ("more speakers than the provider takes", script(provider="duet", **speakers(3)), ["turns"]),
    ("more text than the provider takes", script(provider="duet"), ["turns"]),
    (
        "too many turns",
        script(turns=[{"speaker": "AB"[n % 2], "text": "好", "index": n} for n in range(1001)]),
        ["turns"],
    ),
    (
        "several things at once",
        {
            "provider": "stub",
            "turns": [{"speaker": "A", "text": " ", "index": 0}, {"speaker": "C", "text": "好", "index": 5}],
            "voice_assignments": [{"speaker": "A", "voice_id": "nobody"}],
            "language": "?",
            "gap_ms": 9999,
            "mood": "good",
        },
        [
            "turns[0].text",
            "language",
            "gap_ms",
            "mood",
            "turns[1].index",
            "voice_assignments",
            "voice_assignments[0].voice_id",
        ],
    ),
    ("an unknown provider and more", script(provider="nobody", gap_ms=-1), ["gap_ms", "provider"]),
]


@pytest.mark.parametrize(("body", "fields"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_every_problem_of_a_request_is_named_and_no_row_is_left(api: Api, body: Any, fields: list[str]) -> None:
    answers = [
        api.client.post("/api/v1/jobs", content=json.dumps(body), headers={**JSON, "Accept-Language": language})
        for language in ("zh-TW", "en")
    ]
    messages: list[list[str]] = []
    for answer in answers:
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"] == "VALIDATION_ERROR"
        problems = answer.json()["details"]["problems"]
        assert [problem["field"] for problem in problems] == fields
        messages.append([problem["message"] for problem in problems])
    assert all(not zh.isascii() and en.isascii() for zh, en in zip(*messages, strict=True))
    assert api.count_jobs() == 0
    assert api.published == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not valid JSON"),
        (b"{", "is not valid JSON"),
        (b"{'provider': 1}", "is not valid JSON"),
        (b'{"provider": "stub"} {}', "is not valid JSON"),
        (b'{"provider": "\xff\xfe"}', "is not valid UTF-8"),
        (json.dumps(SCRIPT).encode("utf-16"), "is not valid UTF-8"),
        (b'{"gap_ms": NaN}', "is not usable JSON"),
        (b'{"gap_ms": -Infinity}', "is not usable JSON"),
        (b'{"gap_ms": ' + b"9" * 5000 + b"}", "is not usable JSON"),
        (b"[" * 100_000, "is not usable JSON"),
        (b'{"a":' * 100_000, "is not usable JSON"),
    ],
)
def test_a_body_that_is_not_json_is_refused(api: Api, content: bytes, message: str) -> None:
    answer = api.client.post("/api/v1/jobs", content=content, headers={**JSON, "Accept-Language": "en"})
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    [problem] = answer.json()["details"]["problems"]
    assert problem["field"] == "body"
    assert problem["message"].startswith(message)
    assert api.count_jobs() == 0


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"]
)
def test_a_body_that_is_not_declared_as_json_is_refused(api: Api, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = api.client.post("/api/v1/jobs", content=json.dumps(SCRIPT), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["details"]["problems"][0]["field"] == "Content-Type"
    assert api.count_jobs() == 0


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_declared_in_several_ways(api: Api, content_type: str) -> None:
    answer = api.client.post("/api/v1/jobs", content=json.dumps(SCRIPT), headers={"Content-Type": content_type})
    assert answer.status_code == 201


def test_a_mark_before_the_json_and_a_key_twice_do_no_harm(api: Api) -> None:
    content = b'\xef\xbb\xbf{"gap_ms": "x", ' + json.dumps(script(gap_ms=0)).encode()[1:]
    assert api.client.post("/api/v1/jobs", content=content, headers=JSON).status_code == 201


@pytest.mark.parametrize("name", ["nobody", "", "stub\0", "STUB"])
def test_an_unknown_provider_has_a_code_of_its_own(api: Api, name: str) -> None:
    answer = api.client.post("/api/v1/jobs", json=script(provider=name))
    assert (answer.status_code, answer.json()["error"]) == (400, "UNKNOWN_PROVIDER")
    assert answer.json()["message"] == "沒有這個語音服務"
    assert [problem["field"] for problem in answer.json()["details"]["problems"]] == ["provider"]
    assert api.count_jobs() == 0


def test_a_provider_that_is_not_configured_says_what_is_missing(api: Api) -> None:
    answer = api.client.post("/api/v1/jobs", json=script(provider="unset"))
    assert (answer.status_code, answer.json()["error"]) == (400, "PROVIDER_NOT_CONFIGURED")
    assert "UNSET_KEY" in answer.json()["details"]["problems"][0]["message"]
    assert api.count_jobs() == 0


def largest_script() -> dict[str, Any]:
    """1000 turns, 100,000 characters, six speakers with names of 50, all of it outside the basic plane."""
    names = [chr(0x20000 + n) * 50 for n in range(6)]
    return {
        "provider": "stub",
        "turns": [{"speaker": names[n % 6], "text": "\U00020000" * 100, "index": n} for n in range(1000)],
        "voice_assignments": [{"speaker": name, "voice_id": "v-tw"} for name in names],
    }


def test_the_largest_job_is_taken_however_it_is_written(api: Api) -> None:
    content = json.dumps(largest_script(), indent=1)
    assert len(content) > 1_800_000
    answer = api.client.post("/api/v1/jobs", content=content, headers=JSON)
    assert answer.status_code == 201, answer.text
    job = api.client.get(answer.headers["location"]).json()
    assert job["input_params"]["turns"] == largest_script()["turns"]


def test_a_larger_request_is_refused_whether_or_not_it_says_its_length(api: Api) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield b"x" * 100_000

    for content in (b"x" * 3_000_000, chunks()):
        answer = api.client.post("/api/v1/jobs", content=content, headers=JSON)
        assert answer.status_code == 413
        assert answer.json() == {
            "error": "PAYLOAD_TOO_LARGE",
            "message": "請求內容太大",
            "details": {"max_bytes": 2 * 1024 * 1024},
        }


def test_a_client_that_sends_too_much_hears_why(database_url: str, object_store: ObjectStore, bucket: str) -> None:
    with running_api(database_url, settings_of(object_store, bucket), behind_socket=True) as api:
        for _ in range(5):
            assert api.client.post("/api/v1/jobs", content=b"x" * 5_000_000, headers=JSON).status_code == 413
        assert api.client.post("/api/v1/jobs", json=SCRIPT).status_code == 201


def test_of_a_flood_of_problems_the_first_hundred_are_named(api: Api) -> None:
    answer = api.client.post("/api/v1/jobs", json={f"field-{n}": 1 for n in range(5000)})
    assert answer.status_code == 400
    assert len(answer.json()["details"]["problems"]) == 100


@pytest.mark.parametrize(
    "language", ["zh-TW", "en", "yue", "zh-Hant-TW", "sr-Latn-RS", "de-CH-1901", "es-419", "x" * 8]
)
def test_every_well_formed_language_is_taken(api: Api, language: str) -> None:
    assert api.client.post("/api/v1/jobs", json=script(language=language)).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "dialogue_text"),
        ({"dialogue_text": None}, "dialogue_text"),
        ({"dialogue_text": "A: a\0"}, "dialogue_text"),
        ({"dialogue_text": "A: \ud800"}, "dialogue_text"),
        ({"dialogue_text": "A: a", "x": 1}, "x"),
        ({"dialogue_text": "A: a", "format": "pdf"}, "format"),
        ({"dialogue_text": "A: a", "format": None}, "format"),
        ([], "body"),
    ],
)
def test_a_bad_request_to_parse_is_refused(api: Api, body: Any, field: str) -> None:
    answer = api.client.post("/api/v1/dialogues/parse", content=json.dumps(body), headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert [problem["field"] for problem in answer.json()["details"]["problems"]] == [field]
