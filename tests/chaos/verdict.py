"""The verdict: what was promised against what is there. Every list of `Violations` must be empty."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import av
import httpx
import psycopg
from sqlalchemy import Engine, func, select

from scheduler import retention
from storage.jobs import FailureReason
from storage.retention_store import RetentionStore
from storage.stages import JobStatus
from storage.stores import Stores
from storage.tables import audio_files, job_turns, jobs, segments
from tests.chaos.cluster import Cluster, wait_until
from tests.chaos.load import Accepted

#: How often the sampler counts active jobs, in seconds.
_SAMPLE_S: Final = 0.05
_DOWNLOADS_AT_ONCE: Final = 8
#: When a dead worker's uploads are collected, half an hour after the last step of a clock; and when everything has been
#: kept long enough.
_ABANDONED: Final = timedelta(hours=12)
_FORGOTTEN: Final = timedelta(days=31)
#: These want a fault that explains them: a vendor refuses nothing, nothing waits for a day, and defects are ours.
_UNTRUE: Final = frozenset({FailureReason.INTERNAL, FailureReason.PROVIDER_REJECTED, FailureReason.ORPHANED})


#: What our processes log of an error that nobody has foreseen.
_CRASHES: Final = ("job_crashed", "request_crashed", "worker_thread_died")

#: Every job that there is: its id and its row.
Ends = Mapping[UUID, Any]


@dataclass
class Violations:
    """What must not be, in the words of the promise that is broken."""

    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    untrue_reasons: list[str] = field(default_factory=list)
    bad_audio: list[str] = field(default_factory=list)
    doubled_audio: list[str] = field(default_factory=list)
    orphan_objects: list[str] = field(default_factory=list)
    missing_objects: list[str] = field(default_factory=list)
    miscounted_turns: list[str] = field(default_factory=list)
    fourth_jobs: list[str] = field(default_factory=list)
    left_after_retention: list[str] = field(default_factory=list)
    wrong_answers: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    long_waits: list[str] = field(default_factory=list)

    def __iter__(self) -> Generator[tuple[str, Sequence[str]]]:
        for name, found in vars(self).items():
            yield name.replace("_", " "), found

    @property
    def count(self) -> int:
        """All of them."""
        return sum(len(found) for _, found in self)


class Sampler:
    """Looks all the time whether any user has more active jobs than is allowed."""

    _QUERY: Final = (
        "SELECT user_id, count(*) FROM jobs WHERE status IN ('pending', 'processing')"
        " GROUP BY user_id HAVING count(*) > %s"
    )

    def __init__(self, database_url: str, max_active_jobs: int) -> None:
        self._url = database_url
        self._allowed = max_active_jobs
        self.samples = 0
        self.found: list[str] = []

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Look for as long as the block runs; not while the database is away."""
        leaving = threading.Event()

        def look() -> None:
            while not leaving.is_set():
                with suppress(psycopg.OperationalError), psycopg.connect(self._url, connect_timeout=2) as connection:
                    connection.autocommit = True
                    while not leaving.wait(_SAMPLE_S):
                        for user_id, active in connection.execute(self._QUERY, [self._allowed]):
                            self.found.append(f"{user_id} has {active} active jobs")
                        self.samples += 1
                leaving.wait(_SAMPLE_S)

        thread = threading.Thread(target=look, name="sampler")
        thread.start()
        try:
            yield
        finally:
            leaving.set()
            thread.join()


def drain(engine: Engine, timeout_s: float) -> None:
    """Wait until no job is active any more, or until it is too late to hope."""

    def active() -> int:
        with engine.connect() as connection:
            return connection.execute(
                select(func.count()).select_from(jobs).where(jobs.c.status.in_(["pending", "processing"]))
            ).scalar_one()

    with suppress(TimeoutError):
        wait_until(lambda: active() == 0, timeout_s, "no job is active", every_s=0.5)


def ends_of(stores: Stores) -> Ends:
    """Every job that there is, accepted or not: its id and its row."""
    query = select(
        jobs.c.id,
        jobs.c.status,
        jobs.c.stage,
        jobs.c.error_code,
        jobs.c.error_detail,
        jobs.c.result_metadata,
        (jobs.c.completed_at - jobs.c.created_at).label("lived"),
    )
    with stores.engine.connect() as connection:
        return {row.id: row for row in connection.execute(query)}


def count_ends(ends: Ends) -> Counter[str]:
    """How many jobs ended in each way."""
    return Counter(f"{row.status}: {row.error_code}" if row.error_code else str(row.status) for row in ends.values())


def judge_jobs(
    accepted: Mapping[str, Accepted], ends: Ends, violations: Violations, explained: Collection[FailureReason] = ()
) -> None:
    """Every 201 has come to an end, and so has every job whose 201 was lost on the way.

    `explained`: reasons that the faults of this run explain.
    """
    for job_id in accepted:
        if UUID(job_id) not in ends:
            violations.lost.append(job_id)
    for row in ends.values():
        if JobStatus(row.status).is_active:
            violations.stuck.append(f"{row.id} is {row.status} ({row.stage})")
        elif row.error_code in _UNTRUE.difference(explained):
            violations.untrue_reasons.append(f"{row.id}: {row.error_code} {row.error_detail or ''}")


def judge_processes(events: Counter[str], violations: Violations) -> None:
    """No fault that comes from outside is a surprise to our code."""
    violations.crashes += [f"{events[event]} {event}" for event in _CRASHES if events[event]]


def judge_audio(cluster: Cluster, accepted: Mapping[str, Accepted], ends: Ends, violations: Violations) -> int:
    """Each completed job's audio can be had, is sound, and is as long as it is said to be. How many were heard."""
    completed = [job for job in accepted.values() if _is_completed(ends.get(UUID(job.job_id)))]

    def listen(job: Accepted) -> None:
        said_ms = ends[UUID(job.job_id)].result_metadata["duration_ms"]
        try:
            heard_ms = _duration_ms(_download(cluster.urls[0], job))
        except Exception as error:  # noqa: BLE001 # whatever it is, there is no audio
            violations.bad_audio.append(f"{job.job_id}: {error!r}")
            return
        if heard_ms != said_ms:
            violations.bad_audio.append(f"{job.job_id}: {heard_ms} ms of audio, {said_ms} ms were promised")

    with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
        list(pool.map(listen, completed))
    return len(completed)


def judge_turns(
    accepted: Mapping[str, Accepted], stores: Stores, violations: Violations, robbed: Collection[str] = ()
) -> None:
    """Every character of a completed job was billed, or taken from the cache: once.

    `robbed`: the jobs of which the object store has lost or damaged segments. Those were spoken, and paid for, again.
    """
    counted = (
        select(jobs.c.id, func.sum(job_turns.c.billed_characters + job_turns.c.cached_characters).label("characters"))
        .join(job_turns, job_turns.c.job_id == jobs.c.id)
        .where(jobs.c.status == JobStatus.COMPLETED)
        .group_by(jobs.c.id)
    )
    with stores.engine.connect() as connection:
        for row in connection.execute(counted):
            job = accepted.get(str(row.id))
            if job is None or job.characters == row.characters:
                continue
            if job.characters > row.characters or str(row.id) not in robbed:
                violations.miscounted_turns.append(f"{row.id}: {row.characters} of {job.characters} characters")


def judge_objects(stores: Stores, ends: Ends, violations: Violations, lost_keys: Collection[str] = ()) -> int:
    """What the bucket holds is what the database knows, once abandoned uploads were collected. How many objects.

    `lost_keys`: of objects that the store itself has lost.
    """
    sweep(stores, _ABANDONED)
    listed = set(stores.audio.keys())
    with stores.engine.connect() as connection:
        audio = {
            row.object_key: row.job_id
            for row in connection.execute(select(audio_files.c.object_key, audio_files.c.job_id))
        }
        known = set(audio) | set(connection.execute(select(segments.c.object_key)).scalars())
    violations.orphan_objects += sorted(listed - known)
    violations.missing_objects += sorted(known - listed - set(lost_keys))
    audio_of_job = Counter(key.split("/")[2] for key in listed if key.startswith("audio/"))
    for job_id, count in audio_of_job.items():
        if count > 1 or not _is_completed(ends.get(UUID(job_id))):
            violations.doubled_audio.append(f"{job_id} has {count} audio objects")
    return len(listed)


def judge_retention(stores: Stores, violations: Violations) -> None:
    """When everything has been kept long enough, nothing is left: no object, no row. Last, for it empties all."""
    sweep(stores, _FORGOTTEN)
    violations.left_after_retention += list(stores.audio.keys())
    with stores.engine.connect() as connection:
        for table in (jobs, audio_files, segments, job_turns):
            left = connection.execute(select(func.count()).select_from(table)).scalar_one()
            if left:
                violations.left_after_retention.append(f"{left} rows of {table.name}")


def sweep(stores: Stores, ahead: timedelta) -> None:
    """Every sweep that collects, by a scheduler that is so far ahead of its time, until there is nothing to collect."""
    clock = lambda: func.clock_timestamp() + ahead  # noqa: E731 # a clock is a function
    late = replace(stores, retention=RetentionStore(stores.engine, clock))
    for collect in (retention.expire_jobs, retention.collect_abandoned_audio, retention.expire_segments):
        while collect(late):
            continue


def _is_completed(row: Any) -> bool:
    return row is not None and row.status == JobStatus.COMPLETED


def _download(url: str, job: Accepted) -> bytes:
    answer = httpx.get(
        f"{url}/api/v1/jobs/{job.job_id}/download", headers={"Authorization": f"Bearer {job.key}"}, timeout=30
    )
    answer.raise_for_status()
    return answer.content


def _duration_ms(audio: bytes) -> int:
    with av.open(io.BytesIO(audio), "r") as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
        return round(samples * 1000 / container.streams.audio[0].rate)
