"""The API as the tests run it: the app on a real database and bucket, with a provider that is no vendor's."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import func, select

from actors.providers.problem import Problem, Text
from actors.providers.provider import Delivery, Line, Provider, ProviderError, SynthesisMode, Voice
from embedded.object_store import ObjectStore
from service.app import create_app
from service.resources import Resources
from service.server import ApiServer, listening
from service.settings import ServiceSettings
from storage.audio_store import AudioStore
from storage.jobs import LOCAL_USER_ID, Script, new_id
from storage.rules import JobRules
from storage.settings import DatabaseSettings, ObjectStoreSettings, RuleSettings
from storage.stages import Stage
from storage.stores import Stores
from storage.tables import jobs as jobs_table

RULES = JobRules(max_active_jobs=3, deadline=timedelta(minutes=10))

VOICES = (
    Voice("v-tw", "曉雨", "zh-TW", "female"),
    Voice("v-hk", "曉曼", "zh-HK"),
    Voice("v-en", "Ava", "en-US"),
)

SCRIPT: Mapping[str, Any] = {
    "provider": "stub",
    "turns": [
        {"speaker": "A", "text": "你好，今天天氣真好！", "index": 0},
        {"speaker": "B", "text": "是啊，要不要一起去公園走走？", "index": 1},
    ],
    "voice_assignments": [
        {"speaker": "A", "voice_id": "v-tw", "voice_name": "曉雨"},
        {"speaker": "B", "voice_id": "v-hk"},
    ],
}


@dataclass
class StubProvider:
    """A provider that refuses the voices that it does not have and turns of more than 500 characters."""

    name: str = "stub"
    missing_settings: Sequence[str] = ()
    synthesis_mode: SynthesisMode = "segmented"
    max_speakers: int = 6
    character_limit: int = 100_000
    advanced_features: Sequence[str] = ()
    calls_at_once: int = 16
    fingerprint: str = ""
    refusal: ProviderError | None = None

    def delivery(self, voice_id: str) -> Delivery:
        return Delivery(0.8, 1.2, ("cheerful",))

    def voices(self, timeout_s: float) -> Sequence[Voice]:
        if self.refusal is not None:
            raise self.refusal
        return VOICES

    def known_voices(self) -> Sequence[Voice]:
        return ()

    def fits(self, text: str) -> bool:
        return len(text) <= 500

    def check(self, script: Script) -> Sequence[Problem]:
        known = {voice.voice_id for voice in VOICES}
        return [
            *(
                Problem(f"voice_assignments[{place}].voice_id", Text("沒有這個語音", "no such voice"))
                for place, assignment in enumerate(script.voice_assignments)
                if assignment.voice_id not in known
            ),
            *(
                Problem(f"turns[{turn.index}].voice_id", Text("沒有這個語音", "no such voice"))
                for turn in script.turns
                if turn.voice_id is not None and turn.voice_id not in known
            ),
            *(
                Problem(f"turns[{turn.index}].text", Text("太長", "too long"))
                for turn in script.turns
                if len(turn.text) > 500
            ),
        ]

    def speak(self, line: Line, timeout_s: float) -> bytes:
        raise NotImplementedError

    def close(self) -> None: ...


@dataclass
class Api:
    """An app, its parts, and a client of it."""

    app: Litestar
    client: httpx.Client
    stores: Stores
    published: list[UUID]

    def submit(self, script: Mapping[str, Any] = SCRIPT) -> str:
        """The id of a new job."""
        answer = self.client.post("/api/v1/jobs", json=script)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def completed(self, audio: bytes = b"0123456789", user_id: UUID = LOCAL_USER_ID) -> str:
        """The id of a job that has this audio."""
        job = self.stores.jobs.submit(user_id, script_from(SCRIPT))
        claim = self.stores.runs.claim(job.id, Stage.SYNTHESIZING)
        assert claim is not None
        with self.stores.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE jobs SET turns_done = turns_total WHERE id = %s", (job.id,))
        self.stores.runs.hand_over(claim)
        claim = self.stores.runs.claim(job.id, Stage.ASSEMBLING)
        assert claim is not None
        key = f"audio/{user_id}/{job.id}/{claim.attempt}-abc.mp3"
        file_id = new_id()
        self.stores.runs.begin_upload(claim, file_id, key, "audio/mpeg")
        self.stores.audio.put(key, audio, "audio/mpeg")
        metadata = {"duration_ms": 5200, "synthesis_mode": "segmented", "turn_timings": []}
        self.stores.runs.complete(claim, file_id, size_bytes=len(audio), duration_ms=5200, metadata=metadata)
        return str(job.id)

    def count_jobs(self) -> int:
        """How many rows there are."""
        with self.stores.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(jobs_table)).scalar_one()


def script_from(body: Mapping[str, Any]) -> Script:
    """The Script of a request, its defaults filled in."""
    defaults = {"language": "zh-TW", "output_format": "mp3", "gap_ms": 300, "crossfade_ms": 50}
    assignments = [{"voice_name": None, **a} for a in body["voice_assignments"]]
    return Script.from_json({**defaults, **body, "voice_assignments": assignments})


def settings_of(store: ObjectStore, bucket: str) -> ObjectStoreSettings:
    """Where the bucket of a test is."""
    return ObjectStoreSettings(
        s3_endpoint_url=store.endpoint_url,
        s3_bucket=bucket,
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=store.secret_access_key,
    )


@contextmanager
def running_api(
    database_url: str,
    object_store: ObjectStoreSettings,
    *,
    providers: Sequence[Provider] = (StubProvider(),),
    settings: ServiceSettings | None = None,
    check_broker: Callable[[], None] = lambda: None,
    wrap_audio: Callable[[AudioStore], Any] = lambda audio: audio,
    behind_socket: bool = False,
) -> Iterator[Api]:
    """An app and a client of it.

    `settings`: by default, no key is asked for. `behind_socket`: the app runs in its real server, on a free port.
    """
    rules = RuleSettings(max_active_jobs=3, job_deadline_s=600)
    stores = Stores.make(DatabaseSettings(database_url=database_url), object_store, rules)
    published: list[UUID] = []
    resources = Resources(
        replace(stores, audio=wrap_audio(stores.audio)),
        {provider.name: provider for provider in providers},
        published.append,
        check_broker,
    )
    app = create_app(settings or ServiceSettings(auth="none"), resources)
    client = _served(app) if behind_socket else TestClient(app, "http://127.0.0.1", raise_server_exceptions=False)
    try:
        with client as connected:
            yield Api(app, connected, stores, published)
    finally:
        stores.close()


@contextmanager
def _served(app: Litestar) -> Iterator[httpx.Client]:
    with listening("127.0.0.1", 0) as where:
        server = ApiServer(app, where)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            with httpx.Client(base_url=server.url, timeout=60) as client:
                yield client
        finally:
            server.stop()
            thread.join()
