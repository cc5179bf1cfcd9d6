"""`Readthrough`: the client for programs that wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from client import talks
from client.errors import Unreachable
from client.files import Draft, format_of
from client.http import CHUNK_BYTES, arguments, options
from client.nouns import Job, Parsed, Turn, Voice
from client.talks import Call, Outcome, Pause, Talk

T = TypeVar("T")


class Readthrough:
    """A server of Readthrough. May be shared by threads; `close` it, or use it as a context manager.

    `url`: of the server (`http://127.0.0.1:8000`). `key`: an API key, where the server asks for one.
    `accept_language`: of the messages, `zh-TW` or `en`.

    Every method asks again for about a minute while the server is away or busy, and may raise what `client.errors` has:
    `Unreachable`, or `Refused` with the server's words.
    """

    def __init__(self, url: str, key: str | None = None, *, accept_language: str = "en") -> None:
        self._http = httpx.Client(**options(url, key, accept_language))

    def speak(
        self,
        script: str | Sequence[Turn],
        path: Path | str | None = None,
        *,
        provider: str | None = None,
        voices: Mapping[str, str] | None = None,
        language: str = "zh-TW",
        output_format: str | None = None,
        on_progress: Callable[[Job], None] | None = None,
    ) -> Job:
        """Have a script spoken, and save the audio; the completed job.

        `path`: where to; None to save nothing. `voices`: the voice's id of each speaker who is not to be cast by us.
        `output_format`: "mp3", "wav", "ogg", "flac" or "m4a"; by default that of the path's ending, or mp3.

        Raises:
            JobNotCompleted: the job has failed or was cancelled; it says why.
            ClientError: the script cannot be read, or names nobody who is in `voices`.
        """
        job = self._do(
            talks.speak(
                script,
                provider=provider,
                voices_of=voices or {},
                language=language,
                output_format=output_format or format_of(path),
                on_progress=on_progress,
            )
        )
        if path is not None:
            self.download(job.id, path)
        return job

    def submit(self, request: Mapping[str, Any]) -> Job:
        """A new job, from the body of `POST /jobs`; one, however often it must be asked for."""
        return self._do(talks.submit(request))

    def wait(self, job_id: str, on_progress: Callable[[Job], None] | None = None) -> Job:
        """The job when it has ended. `on_progress` is shown it at each look."""
        return self._do(talks.wait(job_id, on_progress))

    def job(self, job_id: str) -> Job:
        """A job as it is."""
        return self._do(talks.job(job_id))

    def jobs(self, limit: int = 20, status: str | None = None) -> Sequence[Job]:
        """The latest jobs, newest first, at most 100."""
        return self._do(talks.jobs(limit, status))

    def cancel(self, job_id: str) -> Job:
        """Take a pending job back."""
        return self._do(talks.cancel(job_id))

    def resubmit(self, job_id: str) -> Job:
        """A new job with the input of one that has failed or was cancelled."""
        return self._do(talks.resubmit(job_id))

    def download(self, job_id: str, path: Path | str) -> Path:
        """Save the audio of a completed job; whole or not at all."""
        return self._save(f"/api/v1/jobs/{job_id}/download", {}, path)

    def captions(self, job_id: str, path: Path | str) -> Path:
        """Save the captions of a completed job as WebVTT, or as SubRip where the path ends in `.srt`."""
        kind = "srt" if str(path).endswith(".srt") else "vtt"
        return self._save(f"/api/v1/jobs/{job_id}/captions", {"format": kind}, path)

    def parse(self, text: str) -> Parsed:
        """What the server reads in a text."""
        return self._do(talks.parse(text))

    def providers(self) -> Sequence[Mapping[str, Any]]:
        """The providers, as the API tells of them."""
        return self._do(talks.providers())

    def voices(self, provider: str, language: str | None = None) -> Sequence[Voice]:
        """The voices of a provider; of a language alone where one is given (`zh` is every Chinese)."""
        return self._do(talks.voices(provider, language))

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _save(self, url: str, params: Mapping[str, str], path: Path | str) -> Path:
        try:
            with self._http.stream("GET", url, params=params) as answer, Draft(Path(path)) as draft:
                if answer.is_error:
                    raise talks.refusal(answer, next(answer.iter_bytes(CHUNK_BYTES), b""))
                for chunk in answer.iter_bytes(CHUNK_BYTES):
                    draft.write(chunk)
        except httpx.TransportError as error:
            raise Unreachable(f"the server broke off: {error}") from error
        return Path(path)

    def _do(self, talk: Talk[T]) -> T:
        outcome: Outcome = None
        while True:
            try:
                step = talk.send(outcome)
            except StopIteration as end:
                return end.value
            outcome = self._carried_out(step)

    def _carried_out(self, step: Call | Pause) -> Outcome:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self._http.request(**arguments(step))
        except httpx.TransportError as error:
            return error
