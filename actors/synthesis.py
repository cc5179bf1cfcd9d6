"""Synthesis: the turns of a job are spoken, several at a time, and their segments stored.

What is spoken is never spoken, or paid for, again: each segment is found by what was said and how, whatever becomes of
this run. Nor is it spoken twice at once: the job that claims a segment speaks it, the others take it when it is there.
Joining them is `assembly.py`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import structlog

from actors.audio.compose import compose, require_segment
from actors.audio.join import AudioError, normalize_segment
from actors.directions import Pause
from actors.lexicon import Say, lexicon_of
from actors.lines import characters_of, digest_of, lines_in, parts_of, segment_digest
from actors.outcome import Fail, HandOver, Outcome, TryAgain
from actors.providers.provider import Line, Provider, ProviderError
from actors.run import Run
from actors.studio import Studio
from storage.audio_store import ObjectMissing
from storage.jobs import Claim, FailureReason, Script, Turn, new_id
from storage.run_store import TurnPart
from storage.segment_store import SegmentIntent

#: Longest that one turn may take a vendor.
TURN_TIMEOUT_S: Final = 120.0
#: How often a waiting run looks whether its lease and deadline still hold.
_POLL_S: Final = 1.0
#: Pause before a run looks again at what others are speaking.
_OTHERS_S: Final = 0.25

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words to be spoken once, for every turn of the job that says them. `parts`: one line, or pieces and silences.

    `take`: its name, where it is not the first.
    """

    parts: tuple[Line | Pause, ...]
    digest: bytes
    turn_indexes: Sequence[int]
    take: str | None = None


def synthesize(run: Run, studio: Studio) -> Outcome:
    """Speak what is missing of a job, so that it can be joined.

    Raises:
        AudioStoreError: what was spoken could not be stored.
        LeaseLost, DeadlinePassed: the run is over.
    """
    claim = run.claim
    try:
        provider = provider_of(claim.script, studio)
        say = lexicon_of(studio.stores.lexicons.all_of(claim.user_id), claim.script.language)
        # Nothing of a job is spoken before its first run.
        spoken: Mapping[int, str] = studio.stores.runs.stored_segments(claim) if claim.attempt > 1 else {}
        missing = utterances(claim, provider, say, except_turns=spoken)
        speak_missing(run, studio, provider, missing)
    except ProviderError as error:
        run.check()
        return retry_or_fail(run, error, studio.settings.retry_delays_s)
    return HandOver()


def provider_of(script: Script, studio: Studio) -> Provider:
    """The provider of a job, ready to speak.

    Raises:
        ProviderError: this worker has no such provider, or it is not configured.
    """
    provider = studio.providers.get(script.provider)
    if provider is None:
        raise ProviderError(f"this worker does not know {script.provider}", permanent=True)
    if provider.missing_settings:
        raise ProviderError(f"not configured: {', '.join(provider.missing_settings)}", permanent=True)
    return provider


def utterances(claim: Claim, provider: Provider, say: Say, except_turns: Mapping[int, object]) -> Sequence[Utterance]:
    """What is left to be spoken, in the order of speaking; turns that say the same in the same voice are one."""
    script = claim.script
    turns_by_take: defaultdict[tuple[tuple[Line | Pause, ...], str | None], list[Turn]] = defaultdict(list)
    for turn in script.turns:
        if turn.index not in except_turns:
            turns_by_take[parts_of(script, turn, provider, say), claim.takes.get(turn.index)].append(turn)
    return [
        Utterance(parts, digest_of(provider, parts, take), [turn.index for turn in turns], take)
        for (parts, take), turns in turns_by_take.items()
    ]


def speak_missing(run: Run, studio: Studio, provider: Provider, missing: Sequence[Utterance]) -> None:
    """Take what there is, speak what there is not, and wait for what others are speaking, until nothing is missing.

    Raises:
        ProviderError, LeaseLost, DeadlinePassed: as for `speak_all`.
    """
    while missing := take_from_cache(run, studio, missing):
        missing = speak_all(run, studio, provider, missing)
        if missing:
            run.check()
            time.sleep(_OTHERS_S)


def take_from_cache(run: Run, studio: Studio, wanted: Sequence[Utterance]) -> Sequence[Utterance]:
    """Take what this user has had spoken before; what is left is new."""
    if not wanted:
        return wanted
    found = studio.stores.segments.find(run.claim.user_id, [utterance.digest for utterance in wanted])
    there = [utterance for utterance in wanted if utterance.digest in found]
    billed = billed_before(run, studio, there)
    parts = [
        TurnPart(index, found[utterance.digest].id, 0, max(0, characters_of(utterance.parts) - billed.get(index, 0)))
        for utterance in there
        for index in utterance.turn_indexes
    ]
    if parts:
        studio.stores.runs.record_turns(run.claim, parts)
    return [utterance for utterance in wanted if utterance.digest not in found]


def speak_all(run: Run, studio: Studio, provider: Provider, wanted: Sequence[Utterance]) -> Sequence[Utterance]:
    """Speak several at a time. After a failure nothing new is begun, but what is being spoken is kept: it is paid for.

    What comes back is what others have spoken meanwhile or are speaking. It is not waited for here: who has claimed a
    segment must not wait for another's.

    Raises:
        ProviderError: the vendor failed or refused; a refusal for good comes before a failure for now.
        LeaseLost, DeadlinePassed: the run is over.
    """
    waiting: Iterator[Utterance] = iter(wanted)
    speaking: set[Future[Utterance | None]] = set()
    others: list[Utterance] = []
    failures: list[BaseException] = []
    try:
        while True:
            while not failures and len(speaking) < studio.settings.turns_at_once and (next_one := next(waiting, None)):
                speaking.add(deal(run, studio, provider, next_one))
            if not speaking:
                break
            # Never without a timeout: only a thread that wakes up can be interrupted.
            done, speaking = wait(speaking, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            failures += [error for future in done if (error := future.exception()) is not None]
            others += [left for future in done if not future.exception() and (left := future.result()) is not None]
            if failures or run.is_over:
                speaking = in_hand(speaking)
    finally:
        wait(in_hand(speaking))
    if failures:
        raise min(failures, key=_failure_priority)
    run.check()
    return others


def deal(run: Run, studio: Studio, provider: Provider, utterance: Utterance) -> Future[Utterance | None]:
    """Have one utterance spoken when it is this job's turn."""
    claim = run.claim
    return studio.dealer.submit(
        provider.name, claim.user_id, claim.job_id, partial(speak, run, studio, provider, utterance)
    )


def in_hand(calls: Iterable[Future[Utterance | None]]) -> set[Future[Utterance | None]]:
    """Those of the calls that have begun already; the others are taken back."""
    return {call for call in calls if not call.cancel()}


def speak(run: Run, studio: Studio, provider: Provider, utterance: Utterance) -> Utterance | None:
    """Have one utterance spoken, and store it; or give it back, when another job has spoken it or is speaking it.

    Raises:
        ProviderError: no audio, or none that can be speech.
        AudioStoreError: it could not be stored.
        LeaseLost, DeadlinePassed: the run is over.
    """
    run.check()
    studio.uploads.require_store()
    first, *others = utterance.turn_indexes
    characters = characters_of(utterance.parts)
    line = utterance.parts[0]
    if len(utterance.parts) > 1 or not isinstance(line, Line):
        made = store_composed(run, studio, provider, utterance)
    elif segment_id := store_line(run, studio, provider, line, utterance.digest):
        made = TurnPart(first, segment_id, characters, 0)
    else:
        made = None
    if made is None:
        return utterance
    others_made = (TurnPart(index, made.segment_id, 0, characters) for index in others)
    studio.stores.runs.record_turns(run.claim, [made, *others_made])
    return None


def store_composed(run: Run, studio: Studio, provider: Provider, utterance: Utterance) -> TurnPart | None:
    """Have the pieces of a turn spoken, one after the other, and store them as one; None when another job is at any of
    it.

    Each piece is found by itself, as a line is. While one is waited for, none is held, so that no two jobs can wait for
    each other. What is billed is written down with each piece.
    """
    first = utterance.turn_indexes[0]
    billed = billed_before(run, studio, [utterance]).get(first, 0)
    for line in dict.fromkeys(lines_in(utterance.parts)):
        digest = segment_digest(provider, line, utterance.take)
        if studio.stores.segments.find(run.claim.user_id, [digest]):
            continue
        if store_line(run, studio, provider, line, digest) is None:
            return None
        billed += len(line.text)
        studio.stores.runs.record_billed(run.claim, first, billed)
    segment_id = store(run, studio, utterance.digest, lambda: composed(run, studio, provider, utterance))
    if segment_id is None:
        return None
    return TurnPart(first, segment_id, 0, max(0, characters_of(utterance.parts) - billed))


def store_line(run: Run, studio: Studio, provider: Provider, line: Line, digest: bytes) -> UUID | None:
    """Have a line spoken, and store it; as `store`."""
    run.check()
    timeout_s = turn_timeout_s(provider, run.remaining_s)
    return store(run, studio, digest, lambda: speech_of(line, provider, timeout_s=timeout_s))


def store(run: Run, studio: Studio, digest: bytes, make: Callable[[], bytes]) -> UUID | None:
    """Make a segment and store it; its id, or None when another job has made it or is making it.

    Raises:
        ProviderError: it took too long; and what `make` raises.
        AudioStoreError: it could not be stored.
    """
    user_id = run.claim.user_id
    key = f"segments/{user_id}/{digest.hex()}/{uuid4().hex}.wav"
    intent = SegmentIntent(new_id(), user_id, digest, key)
    if not studio.stores.segments.claim(intent, run.claim):
        return None
    try:
        studio.uploads.put(key, make(), "audio/wav", give_up=lambda: run.is_over)
    except Exception:
        studio.stores.segments.abandon(intent.id)
        raise
    segment_id = studio.stores.segments.finish_upload(intent.id)
    if segment_id is None:
        raise ProviderError("the turn took so long that it was given up", permanent=False)
    return segment_id


def composed(run: Run, studio: Studio, provider: Provider, utterance: Utterance) -> bytes:
    """The stored pieces of a turn, and its silences, as one segment.

    Raises:
        ProviderError: transient, when a piece is gone or damaged; the next try has it spoken again.
        AudioStoreError: the object store is away.
    """
    pieces: list[bytes | int] = []
    for part in utterance.parts:
        if isinstance(part, Pause):
            pieces.append(part.ms)
            continue
        digest = segment_digest(provider, part, utterance.take)
        stored = studio.stores.segments.find(run.claim.user_id, [digest]).get(digest)
        if stored is None:
            raise ProviderError("a piece of the turn is gone", permanent=False)
        try:
            piece = b"".join(studio.stores.audio.open(stored.object_key))
            require_segment(piece)
        except (ObjectMissing, AudioError) as error:
            studio.stores.segments.mark_lost(stored.id)
            raise ProviderError("a piece of the turn is gone", permanent=False) from error
        pieces.append(piece)
    return compose(pieces)


def billed_before(run: Run, studio: Studio, wanted: Sequence[Utterance]) -> Mapping[int, int]:
    """What earlier tries of this job have had billed for turns of several pieces: turn index → characters."""
    several = [utterance.turn_indexes[0] for utterance in wanted if len(utterance.parts) > 1]
    return studio.stores.runs.billed_characters(run.claim, several) if several else {}


def turn_timeout_s(provider: Provider, remaining_s: float) -> float:
    """How long one turn may take, of a job that has `remaining_s` until its deadline.

    A voice on this machine speaks one turn after the other: a turn that waits for its own has not failed.
    """
    return remaining_s if "offline" in provider.advanced_features else min(remaining_s, TURN_TIMEOUT_S)


def speech_of(line: Line, provider: Provider, timeout_s: float) -> bytes:
    """A line as a segment.

    Raises:
        ProviderError: no audio, or none that can be speech.
    """
    audio = provider.speak(line, timeout_s)
    try:
        return normalize_segment(audio, text=line.text)
    except AudioError as error:
        raise ProviderError(str(error), permanent=False) from error


def retry_or_fail(run: Run, error: ProviderError, delays_s: Sequence[float]) -> Outcome:
    """What a provider's error means for the job. `delays_s`: the waits before each retry that a job has."""
    claim = run.claim
    logger = log.bind(job_id=str(claim.job_id), attempt=claim.attempt, error=str(error))
    if error.permanent:
        logger.warning("provider_rejected")
        return Fail(FailureReason.PROVIDER_REJECTED, str(error))
    if claim.retry_count >= len(delays_s):
        logger.warning("provider_failed", retries=claim.retry_count)
        return Fail(FailureReason.PROVIDER_FAILED, str(error))
    delay_s = max(delays_s[claim.retry_count], error.retry_after_s or 0)
    if delay_s >= run.remaining_s:
        logger.warning("provider_failed", retries=claim.retry_count, no_time_for_s=delay_s)
        return Fail(FailureReason.PROVIDER_FAILED, str(error))
    logger.info("provider_retry", delay_s=delay_s)
    return TryAgain(delay_s)


def _failure_priority(error: BaseException) -> tuple[int, float]:
    """Which of several failures decides: the run is over, then a defect, then a refusal, then the longest wait."""
    match error:
        case ProviderError(permanent=True):
            return 2, 0
        case ProviderError(retry_after_s=wait_s):
            return 3, -(wait_s or 0)
        case _:
            return 1, 0
