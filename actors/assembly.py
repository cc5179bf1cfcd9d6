"""Assembly: the segments of a job are joined to one audio file, which is uploaded; the job is completed.

How sound is joined is `audio.py`; here is only what becomes of the job and its objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID, uuid4

import structlog

from actors.audio.join import FORMATS, Joined, Piece, Timeline, join
from actors.run import Run, Studio, begun
from storage.audio_store import AudioStoreError, ObjectMissing
from storage.jobs import LeaseLost, Script, new_id
from storage.stages import Stage

#: Segments that are fetched at a time.
_FETCHES_AT_ONCE: Final = 8
#: Characters of the first turn that are the title of the file.
_TITLE_LENGTH: Final = 60

log = structlog.get_logger()


def assemble(job_id: UUID, studio: Studio) -> None:
    """Join the segments of a job, upload the result, and complete the job.

    Raises:
        dramatiq.Retry: the object store is away; the row says when the job is due again.
    """
    claim = studio.runs.claim(job_id, Stage.ASSEMBLING)
    if claim is None:
        log.info("nothing_to_do", job_id=str(job_id), stage=Stage.ASSEMBLING)
        return
    with begun(studio, claim) as run, TemporaryDirectory(prefix="readthrough-") as directory:
        pieces, missing = fetch_segments(run, studio, Path(directory))
        if missing:
            log.warning("segments_missing", job_id=str(job_id), turns=missing)
            studio.runs.speak_again(claim, missing)
            studio.publish(job_id, Stage.SYNTHESIZING)
            return
        script = claim.script
        path = Path(directory) / f"joined.{script.output_format}"
        joined = join(
            pieces,
            path,
            format=script.output_format,
            gap_ms=script.gap_ms,
            crossfade_ms=script.crossfade_ms,
            normalize=script.normalize,
            title=title_of(script),
            check=run.check,
        )
        run.check()
        deliver(run, studio, path, joined)


def fetch_segments(run: Run, studio: Studio, directory: Path) -> tuple[Sequence[Piece], Sequence[int]]:
    """Every turn's segment as a file in `directory`, in the order of speaking, and the turns that have none.

    Raises:
        AudioStoreError: the object store is away.
        LeaseLost, DeadlinePassed: the run is over.
    """
    script = run.claim.script
    keys = studio.runs.spoken_turns(run.claim)
    paths = {key: directory / f"{number}.wav" for number, key in enumerate(sorted(set(keys.values())))}

    def fetch(key: str) -> bool:
        run.check()
        try:
            studio.audio.get_to_file(key, paths[key])
        except ObjectMissing:
            return False
        return True

    with ThreadPoolExecutor(_FETCHES_AT_ONCE) as pool:
        fetched = dict(zip(paths, pool.map(fetch, paths), strict=True))
    missing = [turn.index for turn in script.turns if not fetched.get(keys.get(turn.index, ""), False)]
    if missing:
        return [], missing
    return [Piece(paths[keys[turn.index]], turn.speaker, turn.text) for turn in script.turns], []


def title_of(script: Script) -> str:
    """What the file is called in a player: how the dialogue begins."""
    beginning = " ".join(script.turns[0].text.split())
    return beginning if len(beginning) <= _TITLE_LENGTH else f"{beginning[: _TITLE_LENGTH - 1]}…"


def deliver(run: Run, studio: Studio, path: Path, joined: Joined) -> None:
    """Upload the file under a key that no other attempt has, its row of intent first, and complete the job.

    Raises:
        AudioStoreError: it could not be uploaded.
        LeaseLost: the run is over; the object is gone again.
    """
    claim, script = run.claim, run.claim.script
    content_type = FORMATS[script.output_format].content_type
    extension = FORMATS[script.output_format].extension
    key = f"audio/{claim.user_id}/{claim.job_id}/{claim.attempt}-{uuid4().hex}.{extension}"
    file_id = new_id()
    studio.runs.begin_upload(claim, file_id, key, content_type)
    studio.audio.put_file(key, path, content_type)
    try:
        studio.runs.complete(
            claim,
            file_id,
            size_bytes=path.stat().st_size,
            duration_ms=joined.duration_ms,
            metadata=result_metadata(script, joined),
            peaks=joined.waveform,
        )
    except LeaseLost:
        take_back(studio, key)
        raise
    log.info("job_completed", job_id=str(claim.job_id), duration_ms=joined.duration_ms)


def take_back(studio: Studio, key: str) -> None:
    """Delete what was uploaded for a run that is over. Should that fail, the row of intent tells the scheduler."""
    try:
        studio.audio.delete(key)
    except AudioStoreError as error:
        log.warning("object_left_behind", key=key, error=str(error))


def result_metadata(script: Script, timeline: Timeline) -> Mapping[str, Any]:
    """What a client is told of the audio; the store adds the latency and the characters."""
    return {
        "duration_ms": timeline.duration_ms,
        "synthesis_mode": "segmented",
        "turn_timings": [
            {"turn_index": turn.index, "start_ms": timing.start_ms, "end_ms": timing.end_ms}
            for turn, timing in zip(script.turns, timeline.turns, strict=True)
        ],
    }
