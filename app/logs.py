"""Logs as JSON lines on standard error, one event a line, without secrets."""

from __future__ import annotations

import sys
from pathlib import Path

import structlog


def configure_logs(service: str, path: Path | None = None) -> None:
    """Every line carries time, level and the service's name.

    Args:
        service: The name.
        path: File to append to instead of standard error, for commands that talk to a person.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    out = sys.stderr if path is None else path.open("a", encoding="utf-8")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
