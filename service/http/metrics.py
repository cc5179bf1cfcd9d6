"""The numbers of an app: requests, submits, and the jobs that are under way. `/metrics` shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from storage.errors import DatabaseUnavailable
from storage.job_store import JobStore

log = structlog.get_logger()

#: Upper bounds in seconds: most answers take milliseconds, a download may take minutes.
_DURATION_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 60)


class Metrics:
    """The numbers of one app, in a registry of its own."""

    def __init__(self, jobs: JobStore) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "readthrough_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self.request_duration = Histogram(
            "readthrough_request_duration_seconds",
            "From the request to the last byte of its answer",
            ["method", "route"],
            buckets=_DURATION_BUCKETS_S,
            registry=self.registry,
        )
        self.jobs_submitted = Counter(
            "readthrough_jobs_submitted", "Jobs accepted, resubmitted ones too", registry=self.registry
        )
        self.registry.register(_ActiveJobs(jobs))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)


#: How a handler asks for them: a parameter of this type, named `metrics`.
MetricsDep = NamedDependency[SkipValidation[Metrics]]


class _ActiveJobs(Collector):
    """Jobs that are under way, by stage, counted when they are asked for. Missing while the database is away."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """What is collected, without counting."""
        return [self._gauge()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One sample a stage."""
        gauge = self._gauge()
        try:
            for stage, count in self._jobs.count_active().items():
                gauge.add_metric([stage], count)
        except DatabaseUnavailable as error:
            log.warning("active_jobs_not_counted", reason=str(error))
            return []
        return [gauge]

    @staticmethod
    def _gauge() -> GaugeMetricFamily:
        return GaugeMetricFamily("readthrough_active_jobs", "Jobs under way", labels=["stage"])
