"""Logs as JSON lines on standard error, one event a line, without secrets."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import structlog


class LineLogger:
    """Writes lines to a file, or to what standard error is at the moment. A log that cannot be written stops nobody."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def msg(self, message: str) -> None:
        """One line."""
        with contextlib.suppress(OSError, ValueError):  # the disk is full, or the reader is gone
            if self._path is None:
                sys.stderr.write(message + "\n")  # in one piece: workers share the stream, and their lines must not mix
                sys.stderr.flush()
            else:
                with self._path.open("a", encoding="utf-8") as out:
                    out.write(message + "\n")

    log = debug = info = warning = error = exception = critical = msg


def configure_logs(service: str, path: Path | None = None) -> None:
    """Every line carries time, level and the service's name.

    Args:
        service: The name.
        path: File to append to instead of standard error, for commands that talk to a person.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_: LineLogger(path),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
