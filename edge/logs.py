"""Logs of a gateway process: one JSON object a line on stderr, wall time in UTC."""

from __future__ import annotations

import contextlib
import logging
import sys

import structlog


class StderrLogger:
    """Writes lines to what is stderr now. A log that cannot be written never stops the gateway."""

    def msg(self, message: str) -> None:
        """One line."""
        with contextlib.suppress(OSError, ValueError):  # the reader is gone, or the stream is closed
            print(message, file=sys.stderr, flush=True)

    log = debug = info = warning = error = exception = critical = msg


def configure_logging(level: int = logging.INFO) -> None:
    """Sets structlog up for this process, unless somebody has done so already."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: StderrLogger(),
        cache_logger_on_first_use=True,
    )
