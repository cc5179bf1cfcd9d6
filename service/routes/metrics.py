"""What Prometheus reads."""

from __future__ import annotations

from litestar import Response, get
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from service.http.metrics import MetricsDep
from service.http.operation import TEXT, Answer, Operation


@get(
    "/metrics",
    sync_to_thread=True,
    operation=Operation({200: Answer("Prometheus' text format", {"text/plain": TEXT})}),
)
def read_metrics(metrics: MetricsDep) -> Response[bytes]:
    """The numbers in Prometheus' text format."""
    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)
