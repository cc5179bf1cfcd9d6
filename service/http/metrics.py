"""The numbers of an app: requests, submits, and the jobs that are under way. `/metrics` shows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import structlog
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from storage.errors import DatabaseUnavailable
from storage.job_store import JobStore
from storage.retention_store import RetentionStore

log = structlog.get_logger()

#: So long after its time a job counts as one that could not be deleted: the sweeps run every minute.
_OVERDUE_BY: Final = timedelta(hours=1)
#: Upper bounds in seconds: most answers take milliseconds, a download may take minutes.
_DURATION_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 60)


class Metrics:
    """The numbers of one app, in a registry of its own."""

    def __init__(self, jobs: JobStore, retention: RetentionStore) -> None:
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
        self.registry.register(_Overdue(retention))
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


class _Overdue(Collector):
    """What should have been deleted and is still there. More than none, again and again: look at the object store."""

    def __init__(self, retention: RetentionStore) -> None:
        self._retention = retention

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """What is collected, without counting."""
        return [self._gauge()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One sample a kind; none while the database is away."""
        gauge = self._gauge()
        try:
            for kind, count in self._retention.overdue(by=_OVERDUE_BY).items():
                gauge.add_metric([kind], count)
        except DatabaseUnavailable as error:
            log.warning("overdue_not_counted", reason=str(error))
            return []
        return [gauge]

    @staticmethod
    def _gauge() -> GaugeMetricFamily:
        words = "Jobs and segments that could not be deleted yet, counted to 10,000"
        return GaugeMetricFamily("readthrough_overdue_deletions", words, labels=["kind"])
