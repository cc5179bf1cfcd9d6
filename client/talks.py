"""What is said to the API, once for both clients: each talk yields what is to be done, and is sent what came of it.

Who does it is `synchronous.py`, which waits, and `asynchronous.py`, which awaits.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx

from client.errors import ClientError, JobNotCompleted, Refused, Unreachable
from client.nouns import Job, Parsed, Turn, Voice

#: Waits before each call is tried again when the server is away or busy, in seconds: about a minute in all.
WAITS_S: Final = (0.5, 1, 2, 4, 8, 16, 30)
#: Waits between two looks at a job, in seconds; the last is repeated.
LOOKS_S: Final = (0.1, 0.2, 0.3, 0.5, 0.5, 1, 1, 1, 2)
#: Answers that say: later.
_PASSING: Final = frozenset({502, 503, 504})
#: The one refusal of 429 that is over within a minute; the others wait for a user's own jobs.
_RATE_LIMITED: Final = "RATE_LIMITED"
#: A server that asks for more patience than this is given up.
_LONGEST_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `is_repeatable`: it may be sent again without harm when its answer was lost."""

    method: str
    path: str
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing, for so many seconds."""

    seconds: float


T = TypeVar("T")
#: What a call is answered with: a response, why there is none, or, after a pause, None.
Outcome = httpx.Response | httpx.TransportError | None
Talk = Generator[Call | Pause, Outcome, T]


def told(call: Call) -> Talk[Any]:
    """The JSON that a call is answered with. It is tried again for about a minute while the server is away or busy.

    Raises:
        Refused: the server's answer is an error.
        Unreachable: there is none.
    """
    for wait_s in (*WAITS_S, None):
        outcome = yield call
        if isinstance(outcome, httpx.Response) and outcome.is_success:
            return _json(outcome)
        error = _error(outcome)
        asked_s = error.retry_after_s if isinstance(error, Refused) else None
        if wait_s is None or not _passes(error, call) or (asked_s or 0) > _LONGEST_WAIT_S:
            raise error
        yield Pause(max(wait_s, asked_s or 0))
    raise AssertionError


def parse(text: str) -> Talk[Parsed]:
    """What the server reads in a text."""
    return Parsed.of((yield from told(Call("POST", "/api/v1/dialogues/parse", {"dialogue_text": text}))))


def providers() -> Talk[Sequence[Mapping[str, Any]]]:
    """The providers, as the API tells of them."""
    return (yield from told(Call("GET", "/api/v1/providers")))["items"]


def voices(provider: str, language: str | None) -> Talk[Sequence[Voice]]:
    """The voices of a provider; of a language alone where one is given."""
    params = {} if language is None else {"language": language}
    answer = yield from told(Call("GET", f"/api/v1/providers/{_part(provider)}/voices", params=params))
    return [Voice.of(voice) for voice in answer["items"]]


def submit(request: Mapping[str, Any]) -> Talk[Job]:
    """A new job; one, however often it must be asked for."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    return Job.of((yield from told(Call("POST", "/api/v1/jobs", dict(request), key))))


def job(job_id: str) -> Talk[Job]:
    """A job as it is."""
    return Job.of((yield from told(Call("GET", f"/api/v1/jobs/{_part(job_id)}"))))


def jobs(limit: int, status: str | None) -> Talk[Sequence[Job]]:
    """The latest jobs, newest first."""
    params = {"limit": limit} | ({} if status is None else {"status": status})
    return [Job.of(item) for item in (yield from told(Call("GET", "/api/v1/jobs", params=params)))["items"]]


def cancel(job_id: str) -> Talk[Job]:
    """A pending job, taken back."""
    return Job.of((yield from told(Call("DELETE", f"/api/v1/jobs/{_part(job_id)}"))))


def resubmit(job_id: str) -> Talk[Job]:
    """A new job with the input of one that has failed or was cancelled."""
    return Job.of((yield from told(Call("POST", f"/api/v1/jobs/{_part(job_id)}/resubmit", is_repeatable=False))))


def wait(job_id: str, on_progress: Callable[[Job], None] | None) -> Talk[Job]:
    """The job when it has ended. `on_progress` is shown it at each look."""
    for pause_s in _looks():
        seen = yield from job(job_id)
        if on_progress is not None:
            on_progress(seen)
        if seen.has_ended:
            return seen
        yield Pause(pause_s)
    raise AssertionError


def speak(
    script: str | Sequence[Turn],
    *,
    provider: str | None,
    voices_of: Mapping[str, str],
    language: str,
    output_format: str,
    on_progress: Callable[[Job], None] | None,
) -> Talk[Job]:
    """The job of a script, completed.

    Raises:
        ClientError: the script cannot be read, or names nobody whom `voices_of` gives a voice.
        JobNotCompleted: it has ended otherwise.
    """
    if isinstance(script, str):
        parsed = yield from parse(script)
        if parsed.error is not None:
            raise ClientError(parsed.error)
        script = parsed.turns
    speakers = list(dict.fromkeys(turn.speaker for turn in script))
    if strangers := [name for name in voices_of if name not in speakers]:
        raise ClientError(f"nobody in the script is called {', '.join(strangers)}; there are {', '.join(speakers)}")
    chosen = provider or (yield from _first_provider())
    cast = yield from _cast(speakers, chosen, voices_of, language)
    request = {
        "provider": chosen,
        "turns": [{"speaker": turn.speaker, "text": turn.text, "index": n} for n, turn in enumerate(script)],
        "voice_assignments": [{"speaker": name, "voice_id": voice_id} for name, voice_id in cast.items()],
        "language": language,
        "output_format": output_format,
    }
    accepted = yield from submit(request)
    ended = yield from wait(accepted.id, on_progress)
    if ended.status != "completed":
        raise JobNotCompleted(ended)
    return ended


def _first_provider() -> Talk[str]:
    """The provider that the server would choose: its first that is configured, one on the machine itself before all."""
    usable = [one for one in (yield from providers()) if one["configured"]]
    if not usable:
        raise ClientError("the server has no provider that is configured")
    local = {"kokoro": 0, "espeak": 1}
    return min(usable, key=lambda one: local.get(one["name"], len(local)))["name"]


def _cast(speakers: Sequence[str], provider: str, given: Mapping[str, str], language: str) -> Talk[Mapping[str, str]]:
    """A voice for each speaker: the one that is given, or else the next that nobody has, women and men in turn."""
    to_cast = [name for name in speakers if name not in given]
    offered: list[Voice] = []
    for wanted in dict.fromkeys((language, language.split("-", maxsplit=1)[0])):  # Taiwan's first, then all Chinese
        if len(offered) < len(to_cast):
            met = {voice.voice_id for voice in offered} | set(given.values())
            offered += [voice for voice in (yield from voices(provider, wanted)) if voice.voice_id not in met]
    if to_cast and not offered:
        raise ClientError(f"{provider} has no voice for {language} that nobody has: name one for each speaker")
    free = cycle(_in_turn(offered))
    return {name: given.get(name) or next(free).voice_id for name in speakers}


def _in_turn(offered: Sequence[Voice]) -> Sequence[Voice]:
    women = [voice for voice in offered if voice.gender == "female"]
    others = [voice for voice in offered if voice.gender != "female"]
    pairs = [voice for pair in zip(women, others, strict=False) for voice in pair]
    return [*pairs, *women[len(others) :], *others[len(women) :]]


def _looks() -> Iterator[float]:
    yield from LOOKS_S
    while True:
        yield LOOKS_S[-1]


def _part(text: str) -> str:
    """A part of a path, whatever it holds."""
    return quote(text, safe="")


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise ClientError(f"{response.url} is no Readthrough: it does not answer in JSON") from None


def _error(outcome: Outcome) -> ClientError:
    if not isinstance(outcome, httpx.Response):
        return Unreachable(f"the server cannot be reached: {outcome}")
    return refusal(outcome, outcome.content)


def refusal(response: httpx.Response, body: bytes) -> Refused:
    """The error that a response with this body tells of, in the server's shape or not."""
    try:
        said = json.loads(body)
        code, message, details = str(said["error"]), str(said["message"]), dict(said.get("details") or {})
    except (ValueError, KeyError, TypeError):
        code, message, details = f"HTTP_{response.status_code}", f"{response.url} answered {response.status_code}", {}
    after = response.headers.get("retry-after", "")
    return Refused(response.status_code, code, message, details, float(after) if after.isdecimal() else None)


def _passes(error: ClientError, call: Call) -> bool:
    """Whether it makes sense to ask again."""
    if isinstance(error, Refused):
        return error.code == _RATE_LIMITED or (error.status in _PASSING and call.is_repeatable)
    return call.is_repeatable
