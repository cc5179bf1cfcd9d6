"""How every process of ours logs: one line an event, for people on a terminal, as JSON elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog

from storage.settings import Settings


class LogSettings(Settings):
    """How much is logged, and in which form."""

    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    #: None: `console` on a terminal, else `json`.
    log_format: Literal["console", "json"] | None = None


def configure_logs(settings: LogSettings) -> None:
    """Send structlog's events and the standard library's records the same way, to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    as_json = (settings.log_format or ("console" if sys.stderr.isatty() else "json")) == "json"
    rendering: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        # The plain form: the others print the variables of each frame, and with them what users wrote.
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    # Their news is told by ours, in the words of jobs.
    for chatty in ("pika", "dramatiq", "apscheduler", "httpx", "httpcore", "alembic", "botocore", "boto3"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
