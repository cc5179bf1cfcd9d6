"""The processes of the product as an operator starts them, on the servers of a test, with a stand-in for the vendor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from embedded.processes import end_process_tree
from storage.settings import ObjectStoreSettings

#: The command as it was installed.
READTHROUGH = Path(sys.executable).with_name("readthrough")

PATIENCE_S = 30.0


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Return when the condition holds; fail the test when it does not come to."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)


class Process:
    """One process, and what it has logged."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            # As an operator's: in no directory of ours, so that no `.env` is read.
            self._process = subprocess.Popen(
                command, env=environment, cwd=log.parent, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.pid = self._process.pid

    def events(self, name: str) -> list[Mapping[str, Any]]:
        """What it has logged under this name."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [event for line in lines if (event := json.loads(line))["event"] == name]

    def wait_for(self, name: str, timeout_s: float = PATIENCE_S) -> Mapping[str, Any]:
        """The first event of this name, as soon as it is logged."""
        wait_until(lambda: self.events(name) or self.exit_code is not None, f"{name} in {self.log}", timeout_s)
        assert self.events(name), f"it ended with {self.exit_code} before {name}:\n{self.log.read_text()}"
        return self.events(name)[0]

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Its exit code, as soon as it has ended."""
        return self._process.wait(timeout_s)

    def stop(self, timeout_s: float = PATIENCE_S) -> int:
        """Ask it to stop; its exit code."""
        self.send(signal.SIGTERM)
        return self.wait(timeout_s)

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """However the test went: it is gone, and its children."""
        if self.exit_code is None:
            end_process_tree(self.pid, signal.SIGKILL, timeout_s=10)
            self._process.wait()


class System:
    """Starts processes with one environment, and ends with all of them."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._ending = ExitStack()
        self._started = 0

    def start(self, *arguments: str, event: str | None = None, **more: str) -> Process:
        """`readthrough` with these arguments, and `more` in its environment; returns when `event` is logged."""
        process = self.begin(*arguments, **more)
        process.wait_for(event or f"{arguments[0]}_started")
        return process

    def begin(self, *arguments: str, **more: str) -> Process:
        """The same, returning at once: several can start side by side."""
        return self.begin_command([READTHROUGH, *arguments], arguments[0], **more)

    def begin_command(self, command: Sequence[str | Path], name: str, **more: str) -> Process:
        """Another program in the same environment."""
        self._started += 1
        ours = {**os.environ, "LOG_FORMAT": "json", **self._environment, **more}
        process = Process(command, ours, self._directory / f"{self._started}-{name}.log")
        self._ending.callback(process.end)
        return process

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`readthrough` with these arguments, and `more` in its environment, to its end."""
        ours = {**os.environ, **self._environment, **more}
        return subprocess.run(
            [READTHROUGH, *arguments],
            env=ours,
            cwd=self._directory,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE_S,
            check=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.close()


def server_environment(database_url: str, objects: ObjectStoreSettings, rabbitmq_url: str) -> dict[str, str]:
    """The variables that say where the servers are."""
    return {
        "DATABASE_URL": database_url,
        "RABBITMQ_URL": rabbitmq_url,
        "S3_ENDPOINT_URL": objects.s3_endpoint_url,
        "S3_BUCKET": objects.s3_bucket,
        "AWS_ACCESS_KEY_ID": objects.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": objects.aws_secret_access_key,
    }


@dataclass(frozen=True)
class Client:
    """A user of the API of a process."""

    http: httpx.Client

    @classmethod
    def of(cls, url: str) -> Client:
        """A client of the API at this address."""
        return cls(httpx.Client(base_url=f"{url}/api/v1", timeout=30, trust_env=False))

    def submit(self, *texts: str, **more: Any) -> str:
        """The id of a new job, spoken by the stand-in."""
        answer = self.http.post("/jobs", json=request(*texts, **more))
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def job(self, job_id: str) -> Mapping[str, Any]:
        """The job as the API tells it."""
        answer = self.http.get(f"/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for(self, job_id: str, *statuses: str, timeout_s: float = PATIENCE_S) -> Mapping[str, Any]:
        """The job, as soon as it has one of these statuses."""
        wait_until(lambda: self.job(job_id)["status"] in statuses, f"{job_id} {statuses}", timeout_s)
        return self.job(job_id)


def request(*texts: str, **more: Any) -> dict[str, Any]:
    """The body of `POST /jobs`."""
    turns = [{"speaker": "A", "text": text, "index": index} for index, text in enumerate(texts or ("hello",))]
    voices = [{"speaker": "A", "voice_id": "alloy"}]
    return {"provider": "openai", "turns": turns, "voice_assignments": voices, **more}
