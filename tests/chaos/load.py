"""The load: users who submit, cancel, look and submit again, and a log of everything that the API has promised them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import httpx

#: What is no end.
ACTIVE: Final = frozenset({"pending", "processing"})
#: Active jobs that a person may have.
_SLOTS: Final = 3
#: How long a client waits for one answer, in seconds.
_ANSWER_S: Final = 10.0
#: A client that got no answer asks again for so long, in seconds, and then gives the request up.
_PATIENCE_S: Final = 60.0
#: Between two looks of a user, in seconds.
_PAUSE_S: Final = (0.2, 0.8)
#: So often, of a hundred times, a user cancels what was just accepted, resubmits what failed, or asks once too often.
_CANCELS, _RESUBMITS, _ASKS_TOO_OFTEN = 6, 60, 10

#: Lines that many jobs share, so that segments are found again, and are stored by two workers at once.
_SHARED_LINES: Final = ("好的。", "Once more, from the top!", "真的嗎？", "Exeunt.")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A 201: what the API has promised, and to whom."""

    job_id: str
    user: str
    key: str
    characters: int


@dataclass
class Log:
    """What happened at the API's door. Shared by all users; the lock is held for moments only."""

    accepted: dict[str, Accepted] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    #: What should never have been answered.
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, asked: str, answer: httpx.Response) -> None:
        """Count an answer."""
        with self.lock:
            self.answers[f"{asked} {answer.status_code}"] += 1
            if answer.status_code == 500 or answer.status_code in {400, 401, 405, 413, 422}:
                self.wrong.append(f"{asked} was answered with {answer.status_code}: {answer.text[:200]}")

    def promised(self, accepted: Accepted) -> None:
        """Write down a 201."""
        with self.lock:
            self.accepted[accepted.job_id] = accepted

    def complain(self, what: str) -> None:
        """Write down what should not be."""
        with self.lock:
            self.wrong.append(what)


class Pace:
    """Lets load and faults keep step, so that neither is over while the other has hardly begun."""

    #: So many faults' worth of jobs may be accepted ahead of the faults.
    _AHEAD: Final = 3

    def __init__(self, jobs: int, faults: int, log: Log) -> None:
        self._jobs, self._log = jobs, log
        self._jobs_a_fault = jobs / max(1, faults)
        self._faults_begun = 0
        self._counting = threading.Lock()
        self.is_over = threading.Event()

    def wait_for_jobs(self, give_up_at: float) -> None:
        """Until as many jobs were accepted as were asked for.

        Raises:
            TimeoutError: they were not at `give_up_at`, by the monotonic clock.
        """
        while len(self._log.accepted) < self._jobs:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"only {len(self._log.accepted)} of {self._jobs} jobs in time")
            time.sleep(0.1)

    def may_submit(self) -> bool:
        """Whether the faults have kept up with the jobs."""
        return len(self._log.accepted) < (self._faults_begun + self._AHEAD) * self._jobs_a_fault

    def is_time_for_a_fault(self) -> bool:
        """Whether the jobs have kept up with the faults."""
        return len(self._log.accepted) >= min(self._faults_begun * self._jobs_a_fault, self._jobs)

    def fault_begun(self) -> None:
        """One more fault is tried. Should it find nothing to strike, there is more load for the next all the same."""
        with self._counting:
            self._faults_begun += 1


class User:
    """One user at one screen. Two may be the same person: they have a key in common, and three slots."""

    def __init__(self, name: str, key: str, seed: str, urls: Sequence[str], log: Log, pace: Pace) -> None:
        self.name = name
        self._random = random.Random(seed)  # noqa: S311 # it must come out the same again
        self._urls = urls
        self._log = log
        self._pace = pace
        self._key = key
        self._client = httpx.Client(timeout=_ANSWER_S, headers={"Authorization": f"Bearer {key}"})
        #: The jobs accepted at this screen, as they were last seen; and how many the person has, at all screens.
        self._seen: dict[str, str] = {}
        self._active = 0
        self._resubmitted: set[str] = set()

    def live(self) -> None:
        """Work until the load is over."""
        with self._client:
            while not self._pace.is_over.wait(self._random.uniform(*_PAUSE_S)):
                self._look()
                self._resubmit_what_failed()
                if self._pace.may_submit() and self._wants_to_submit():
                    job_id = self._submit()
                    if job_id is not None and self._chance(_CANCELS):
                        self._ask("cancel", "DELETE", f"/jobs/{job_id}")

    def _wants_to_submit(self) -> bool:
        return self._active < _SLOTS or self._chance(_ASKS_TOO_OFTEN)

    def _submit(self) -> str | None:
        """Submit a dialogue, under one key until there is an answer; the id if it was accepted."""
        script = self._script()
        headers = {"Idempotency-Key": uuid4().hex}
        answer = self._ask_until_answered("submit", "POST", "/jobs", json=script, headers=headers)
        if answer is None or answer.status_code != 201:
            return None
        job_id = self._accepted(answer, sum(len(turn["text"]) for turn in script["turns"]))
        if self._chance(_ASKS_TOO_OFTEN):
            again = self._ask("replay", "POST", "/jobs", json=script, headers=headers)
            if again is not None and again.status_code == 201 and again.json()["id"] != job_id:
                self._log.complain(f"one Idempotency-Key, two jobs: {job_id} and {again.json()['id']}")
        return job_id

    def _resubmit_what_failed(self) -> None:
        failed = [job_id for job_id, status in self._seen.items() if status == "failed"]
        for job_id in failed:
            if job_id in self._resubmitted:
                continue
            self._resubmitted.add(job_id)
            if self._chance(_RESUBMITS):
                answer = self._ask("resubmit", "POST", f"/jobs/{job_id}/resubmit")
                if answer is not None and answer.status_code == 201:
                    self._accepted(answer, self._log.accepted[job_id].characters)

    def _accepted(self, answer: httpx.Response, characters: int) -> str:
        job_id = answer.json()["id"]
        self._seen[job_id] = answer.json()["status"]
        self._log.promised(Accepted(job_id, self.name, self._key, characters))
        return job_id

    def _look(self) -> None:
        """See how the jobs are getting on. What has ended once must stay as it has ended."""
        answer = self._ask("list", "GET", "/jobs?limit=30")
        if answer is None or answer.status_code != 200:
            return
        items = answer.json()["items"]
        self._active = sum(job["status"] in ACTIVE for job in items)
        for job in items:
            before = self._seen.get(job["id"])
            if before is None:
                continue
            if before not in ACTIVE and job["status"] != before:
                self._log.complain(f"{job['id']} was {before} and is now {job['status']}")
            self._seen[job["id"]] = job["status"]

    def _ask_until_answered(self, what: str, method: str, path: str, **more: Any) -> httpx.Response | None:
        give_up_at = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up_at:
            answer = self._ask(what, method, path, **more)
            if answer is not None and answer.status_code < 500:
                return answer
            if self._pace.is_over.wait(self._random.uniform(*_PAUSE_S)):
                return None
        return None

    def _ask(self, what: str, method: str, path: str, **more: Any) -> httpx.Response | None:
        """Ask any of the APIs. None: there was no answer; what was asked may have been done or not."""
        try:
            answer = self._client.request(method, f"{self._random.choice(self._urls)}/api/v1{path}", **more)
        except httpx.TransportError:
            with self._log.lock:
                self._log.answers[f"{what} unanswered"] += 1
            return None
        self._log.answered(what, answer)
        return answer

    def _script(self) -> Mapping[str, Any]:
        turns = [
            {"speaker": self._random.choice("AB"), "text": self._line(), "index": index}
            for index in range(self._random.randint(1, 4))
        ]
        speakers = sorted({turn["speaker"] for turn in turns})
        return {
            "provider": "openai",
            "turns": turns,
            "voice_assignments": [{"speaker": s, "voice_id": {"A": "alloy", "B": "onyx"}[s]} for s in speakers],
            "output_format": self._random.choice(["mp3", "wav"]),
        }

    def _line(self) -> str:
        if self._chance(40):
            return self._random.choice(_SHARED_LINES)
        return f"line {self._random.randrange(10**6)}"

    def _chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent


@contextmanager
def at_work(users: Sequence[User], pace: Pace) -> Generator[None]:
    """All users at their screens, for as long as the block runs."""
    threads = [threading.Thread(target=_reported(user), name=user.name) for user in users]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        pace.is_over.set()
        for thread in threads:
            thread.join()


def _reported(user: User) -> Callable[[], None]:
    def live() -> None:
        try:
            user.live()
        except Exception as error:
            user._log.complain(f"{user.name}'s client broke: {error!r}")
            raise

    return live
