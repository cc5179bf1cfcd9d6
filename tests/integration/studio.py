"""A worker's studio in a test: real stores, the stand-in of a vendor, and a record of what is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import dramatiq

from actors.assembly import assemble
from actors.providers.registry import make_providers
from actors.providers.settings import ProviderSettings
from actors.queue.leases import Leases
from actors.run import Story, work_on
from actors.settings import WorkSettings
from actors.studio import Studio, make_studio
from actors.synthesis import synthesize
from storage.jobs import LOCAL_USER_ID, Job, Script
from storage.stages import Stage
from storage.stores import Stores
from tests.standins.openai import OpenAIStandIn


@dataclass
class Rehearsal:
    """A studio whose actors a test calls itself, one at a time."""

    studio: Studio
    stores: Stores
    vendor: OpenAIStandIn
    published: list[tuple[UUID, Stage]] = field(default_factory=list)

    def submit(self, script: Script) -> UUID:
        """A new job of the local user."""
        return self.stores.jobs.submit(LOCAL_USER_ID, script).id

    def job(self, job_id: UUID) -> Job:
        """The row as it is now."""
        return self.stores.jobs.get(LOCAL_USER_ID, job_id)

    def synthesize(self, job_id: UUID) -> float | None:
        """One message on the queue `synthesis`; the wait in seconds if it is to be sent again."""
        return self._work_on(job_id, Stage.SYNTHESIZING, synthesize)

    def assemble(self, job_id: UUID) -> float | None:
        """One message on the queue `assembly`; the wait in seconds if it is to be sent again."""
        return self._work_on(job_id, Stage.ASSEMBLING, assemble)

    def _work_on(self, job_id: UUID, stage: Stage, story: Story) -> float | None:
        try:
            work_on(job_id, stage, story, self.studio)
        except dramatiq.Retry as retry:
            return (retry.delay or 0) / 1000
        return None


@contextmanager
def rehearsal(
    stores: Stores, settings: WorkSettings | None = None, more: Mapping[str, str] | None = None
) -> Iterator[Rehearsal]:
    """A studio with the stand-in of OpenAI. `more`: the variables of other vendors."""
    published: list[tuple[UUID, Stage]] = []
    with OpenAIStandIn() as vendor:
        providers = make_providers(ProviderSettings.model_validate(lowered({**vendor.environment, **(more or {})})))
        studio = make_studio(
            settings or WorkSettings(),
            stores,
            providers,
            Leases(stores.heartbeats),
            lambda job_id, stage: published.append((job_id, stage)),
        )
        yield Rehearsal(studio, stores, vendor, published)
        studio.dealer.close()
        for provider in providers.values():
            provider.close()


def lowered(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables as the fields of a settings model."""
    return {name.lower(): value for name, value in environment.items()}
