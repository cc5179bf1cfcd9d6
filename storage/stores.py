"""The stores of a process, made of its settings once, at its entry point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Engine

from storage.audio_store import AudioStore
from storage.engine import make_engine
from storage.job_store import JobStore
from storage.key_store import KeyStore
from storage.lexicon_store import LexiconStore
from storage.list_store import ListStore
from storage.retention_store import RetentionStore
from storage.rules import JobRules
from storage.run_store import RunStore
from storage.segment_store import SegmentStore
from storage.settings import DatabaseSettings, LexiconSettings, ObjectStoreSettings, RuleSettings
from storage.sweep_store import SweepStore


@dataclass(frozen=True, slots=True)
class Stores:
    """All of storage. Nothing is connected before it is used."""

    engine: Engine
    #: For heartbeats alone, so that no queue for a connection delays them.
    heartbeat_engine: Engine
    #: For health checks alone, which must be answered however many wait for a connection.
    health_engine: Engine
    jobs: JobStore
    lists: ListStore
    runs: RunStore
    heartbeats: RunStore
    segments: SegmentStore
    sweeps: SweepStore
    retention: RetentionStore
    keys: KeyStore
    lexicons: LexiconStore
    audio: AudioStore
    health: JobStore
    rules: JobRules

    @classmethod
    def make(
        cls,
        database: DatabaseSettings,
        object_store: ObjectStoreSettings,
        rules: RuleSettings,
        *,
        lexicon: LexiconSettings | None = None,
        pool_size: int = 10,
    ) -> Self:
        """`lexicon`: the operator's. `pool_size`: about as many connections as the process has threads."""
        engine = make_engine(database.database_url, pool_size=pool_size)
        heartbeat_engine = make_engine(database.database_url, pool_size=1)
        health_engine = make_engine(database.database_url, pool_size=1)
        job_rules = rules.as_rules()
        return cls(
            engine=engine,
            heartbeat_engine=heartbeat_engine,
            health_engine=health_engine,
            jobs=JobStore(engine, job_rules),
            lists=ListStore(engine),
            runs=RunStore(engine, job_rules),
            heartbeats=RunStore(heartbeat_engine, job_rules),
            segments=SegmentStore(engine),
            sweeps=SweepStore(engine, job_rules),
            retention=RetentionStore(engine),
            keys=KeyStore(engine),
            lexicons=LexiconStore(engine, lexicon.shared() if lexicon else ()),
            audio=AudioStore(object_store),
            health=JobStore(health_engine, job_rules),
            rules=job_rules,
        )

    def close(self) -> None:
        """Close every connection."""
        self.keys.close()
        self.engine.dispose()
        self.heartbeat_engine.dispose()
        self.health_engine.dispose()
        self.audio.close()
