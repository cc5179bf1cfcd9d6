"""The nouns of the API, as far as a client needs them. Each keeps the whole answer in `raw`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

#: Statuses in which nothing more happens.
ENDED: Final = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of the dialogue, said by one speaker."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the server reads in a text.

    `speakers`: each once, in the order of their first words. `error`: why it cannot be spoken as it is; None if it can.
    """

    turns: Sequence[Turn]
    speakers: Sequence[str]
    error: str | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """From the JSON of the API."""
        turns = [Turn(turn["speaker"], turn["text"]) for turn in answer["turns"]]
        return cls(turns, answer["speakers"], answer["error"], answer)


@dataclass(frozen=True, slots=True)
class Voice:
    """One of a provider's voices. `gender`: "female", "male", or None where it is not known."""

    voice_id: str
    voice_name: str
    language: str
    gender: str | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """From the JSON of the API."""
        return cls(answer["voice_id"], answer["voice_name"], answer["language"], answer.get("gender"), answer)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `stage`: "queued", "synthesizing", "retrying", "assembling" or "done"."""

    stage: str
    turns_done: int
    turns_total: int


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it was when the server was asked.

    `duration_ms`: of the audio; None until the job is completed. `error_message`: in the language that was asked for;
    None unless it has failed.
    """

    id: str
    status: str
    provider: str
    progress: Progress | None
    duration_ms: int | None
    error_code: str | None
    error_message: str | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """From the JSON of the API: of a job, or of an item of the list, or of what a submit answers."""
        told = answer.get("progress")
        result = answer.get("result_metadata") or answer
        return cls(
            id=answer["id"],
            status=answer["status"],
            provider=answer["provider"],
            progress=Progress(told["stage"], told["turns_done"], told["turns_total"]) if told else None,
            duration_ms=result.get("duration_ms"),
            error_code=answer.get("error_code"),
            error_message=answer.get("error_message"),
            raw=answer,
        )

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED
