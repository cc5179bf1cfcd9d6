"""The system that the page is tried against: `readthrough run` as a process of its own, with espeak and a stand-in.

Jobs are made here through the API where a test is about what comes after.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from embedded.object_store import ObjectStore
from storage.audio_store import AudioStore
from storage.settings import ObjectStoreSettings
from tests.standins.openai import OpenAIStandIn

ROOT = Path(__file__).parents[2]

#: The first wait is long enough to be seen counting down, the others short.
RETRY_DELAYS_S = "3,0.1,0.1"

PATIENCE_S = 90.0

#: What the screenshots show and most tests submit.
SCRIPT_ZH = (
    ("曉雨", "你好，今天天氣真好！"),
    ("雲哲", "是啊，要不要一起去公園走走？"),
    ("曉雨", "好主意。等我一下，我去拿相機。"),
)

VOICES = {"espeak": ("cmn+f2", "cmn+m3", "cmn+Annie"), "openai": ("alloy", "onyx", "nova")}


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return when it is so; raise TimeoutError when it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


@dataclass
class Stack:
    """The running system."""

    url: str
    audio: AudioStore
    client: httpx.Client
    openai: OpenAIStandIn
    _acts: Iterator[int] = field(default_factory=lambda: count(2))

    def never_spoken(self) -> Sequence[tuple[str, str]]:
        """Lines that no job has had, so that the vendor is asked for them."""
        act = next(self._acts)
        return (
            ("旁白", f"第 {act} 幕，雨停了。"),
            ("曉雨", f"第 {act} 次了，我們走吧。"),
            ("雲哲", f"等等，再等 {act} 分鐘。"),
        )

    def submit(self, lines: Sequence[tuple[str, str]] = SCRIPT_ZH, **changes: Any) -> str:
        """The id of a new job in which the speakers say these lines."""
        provider = changes.get("provider", "espeak")
        speakers = list(dict.fromkeys(speaker for speaker, _ in lines))
        body: Mapping[str, Any] = {
            "provider": provider,
            "turns": [{"speaker": who, "text": what, "index": index} for index, (who, what) in enumerate(lines)],
            "voice_assignments": [
                {"speaker": name, "voice_id": VOICES[provider][place % 3], "voice_name": f"Voice {place + 1}"}
                for place, name in enumerate(speakers)
            ],
            **changes,
        }
        answer = self.client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def job(self, job_id: str) -> dict[str, Any]:
        """All of a job."""
        return self.client.get(f"/api/v1/jobs/{job_id}").json()

    def wait_for(self, job_id: str, status: str) -> str:
        """Its id again, once it has this status."""
        try:
            wait_until(lambda: self.job(job_id)["status"] == status, f"job {job_id} {status}")
        except TimeoutError as error:
            error.add_note(str(self.job(job_id)))
            raise
        return job_id

    def completed(self, lines: Sequence[tuple[str, str]] = SCRIPT_ZH, **changes: Any) -> str:
        """The id of a job that has its audio."""
        return self.wait_for(self.submit(lines, **changes), "completed")

    def failed(self) -> str:
        """The id of a job that the vendor has refused, in words of its own."""
        return self.refused(400, {"message": "Your quota is <b>used up</b>", "code": "insufficient_quota"})

    def refused(self, status: int, error: Mapping[str, str]) -> str:
        """The id of a job that the vendor has refused so."""
        self.openai.fail(1, status, {"error": error})
        return self.wait_for(self.submit(self.never_spoken(), provider="openai"), "failed")

    def cancelled(self) -> str:
        """The id of a job that was taken back while another one held the only worker."""
        busy = self.busy()
        taken_back = self.submit()
        self.client.delete(f"/api/v1/jobs/{taken_back}").raise_for_status()
        self.openai.release()
        self.wait_for(busy, "completed")
        return taken_back

    def busy(self) -> str:
        """The id of a job that holds the only worker until the vendor is released."""
        self.openai.stall()
        return self.wait_for(self.submit(self.never_spoken(), provider="openai"), "processing")

    def lose_audio(self, job_id: str) -> None:
        """Delete the object of a completed job, as its expiry would."""
        found = [key for key in self.audio.keys("audio/") if job_id in key]
        assert found
        for key in found:
            self.audio.delete(key)

    def settle(self) -> None:
        """Let the vendor behave again, and wait until no job is active."""
        self.openai.reset()
        for status in ("pending", "processing"):
            for job in self.client.get("/api/v1/jobs", params={"status": status}).json()["items"]:
                if self.client.delete(f"/api/v1/jobs/{job['id']}").status_code != 200:
                    wait_until(lambda found=job: self.job(found["id"])["completed_at"], f"job {job['id']} ends")


@contextmanager
def running_stack(directory: Path) -> Iterator[Stack]:
    """Everything, on a free port, with its files in `directory`. With one worker thread, a job can be made to wait."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        OpenAIStandIn() as openai,
        ObjectStore(directory / "object-store") as objects,
        (directory / "run.log").open("wb") as log,
    ):
        settings = ObjectStoreSettings(
            s3_endpoint_url=objects.endpoint_url,
            aws_access_key_id=objects.access_key_id,
            aws_secret_access_key=objects.secret_access_key,
        )
        environment = {
            **{name: os.environ[name] for name in os.environ if not name.startswith(("AZURE_", "OPENAI_"))},
            **openai.environment,
            "S3_ENDPOINT_URL": objects.endpoint_url,
            "AWS_ACCESS_KEY_ID": objects.access_key_id,
            "AWS_SECRET_ACCESS_KEY": objects.secret_access_key,
            "DATA_DIR": str(directory / "data"),
            "PORT": str(port),
            "RETRY_DELAYS_S": RETRY_DELAYS_S,
            "WORKER_THREADS": "1",
            "LOG_FORMAT": "json",
            "PYTHONPATH": str(ROOT),
        }
        run = subprocess.Popen(
            [sys.executable, "-m", "embedded", "run"], cwd=directory, env=environment, stdout=log, stderr=log
        )
        url = f"http://127.0.0.1:{port}"
        audio = AudioStore(settings)
        try:
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                wait_until(lambda: run.poll() is not None or _answers(client), "readthrough run answers")
                assert run.poll() is None, (directory / "run.log").read_text()[-3000:]
                yield Stack(url, audio, client, openai)
        finally:
            openai.release()
            run.send_signal(signal.SIGTERM)
            run.wait(60)
            audio.close()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False
