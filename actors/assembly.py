"""Assembly: the segments of a job are joined to one audio file, which is uploaded.

How sound is joined is `actors/audio/join.py`; here is only what becomes of the job and its objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID, uuid4

import structlog

from actors.audio.join import FORMATS, AudioError, Piece, Timeline, join
from actors.audio.segment import segment_length
from actors.directions import caption_of
from actors.outcome import Complete, Outcome, SpeakAgain
from actors.run import Run
from actors.studio import Studio
from storage.audio_store import ObjectMissing
from storage.jobs import Script, new_id

#: Segments that are fetched at a time.
_FETCHES_AT_ONCE: Final = 8
#: Characters of the first turn that are the title of the file.
_TITLE_LENGTH: Final = 60

log = structlog.get_logger()


def assemble(run: Run, studio: Studio) -> Outcome:
    """Join the segments of a job and upload the result.

    Raises:
        AudioStoreError: the object store is away.
        LeaseLost, DeadlinePassed: the run is over.
    """
    script = run.claim.script
    with TemporaryDirectory(prefix="readthrough-") as directory:
        pieces, missing = fetch_segments(run, studio, Path(directory))
        if missing:
            log.warning("segments_missing", job_id=str(run.claim.job_id), turns=missing)
            return SpeakAgain(missing)
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
        file_id, object_key = upload(run, studio, path)
        return Complete(
            file_id,
            object_key,
            size_bytes=path.stat().st_size,
            duration_ms=joined.duration_ms,
            metadata=result_metadata(script, joined),
            peaks=joined.waveform,
        )


def fetch_segments(run: Run, studio: Studio, directory: Path) -> tuple[Sequence[Piece], Sequence[int]]:
    """Every turn's segment as a file in `directory`, in the order of speaking, and the turns that have none whole.

    Raises:
        AudioStoreError: the object store is away.
        LeaseLost, DeadlinePassed: the run is over.
    """
    script = run.claim.script
    keys = studio.stores.runs.stored_segments(run.claim)
    paths = {key: directory / f"{number}.wav" for number, key in enumerate(sorted(set(keys.values())))}

    def fetch(key: str) -> bool:
        run.check()
        try:
            studio.stores.audio.get_to_file(key, paths[key])
            segment_length(paths[key])
        except ObjectMissing:
            return False
        except AudioError as error:
            log.warning("segment_damaged", job_id=str(run.claim.job_id), key=key, error=str(error))
            return False
        return True

    with ThreadPoolExecutor(_FETCHES_AT_ONCE) as pool:
        fetched = dict(zip(paths, pool.map(fetch, paths), strict=True))
    missing = [turn.index for turn in script.turns if not fetched.get(keys.get(turn.index, ""), False)]
    if missing:
        return [], missing
    return [Piece(paths[keys[turn.index]], turn.speaker, caption_of(turn.text)) for turn in script.turns], []


def title_of(script: Script) -> str:
    """What the file is called in a player: how the dialogue begins."""
    beginning = " ".join(caption_of(script.turns[0].text).split())
    return beginning if len(beginning) <= _TITLE_LENGTH else f"{beginning[: _TITLE_LENGTH - 1]}…"


def upload(run: Run, studio: Studio, path: Path) -> tuple[UUID, str]:
    """Upload the file under a key that no other attempt has, its row of intent first; the file's id, and the key.

    Raises:
        AudioStoreError: it could not be uploaded.
        LeaseLost: the run is over.
    """
    claim, kind = run.claim, FORMATS[run.claim.script.output_format]
    file_id = new_id()
    key = f"audio/{claim.user_id}/{claim.job_id}/{claim.attempt}-{uuid4().hex}.{kind.extension}"
    studio.stores.runs.begin_upload(claim, file_id, key, kind.content_type)
    studio.stores.audio.put_file(key, path, kind.content_type)
    return file_id, key


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
