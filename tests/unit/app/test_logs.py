"""Logs: one event a line, whatever else writes to the same stream."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from app.logs import LineLogger


class Pieces(io.StringIO):
    """A stream that keeps apart what was written at once, as an unbuffered one hands it on."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return len(text)


def test_a_line_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers share standard error; a line in two pieces lets that of another in between (PYTHONUNBUFFERED, as in containers)."""
    stream = Pieces()
    monkeypatch.setattr(sys, "stderr", stream)
    logger = LineLogger(None)
    logger.info("first")
    logger.error("second")
    assert stream.pieces == ["first\n", "second\n"]


def test_a_log_that_cannot_be_written_stops_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    LineLogger(None).info("to a reader that is gone")
    LineLogger(tmp_path).info("to a path that is a folder")


def test_lines_are_appended_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    LineLogger(path).info("first")
    LineLogger(path).info("ثانية")
    assert path.read_text(encoding="utf-8") == "first\nثانية\n"
