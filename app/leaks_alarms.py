"""Alarm files: what a replay told as rows, for people and for scorers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from app.leak_output import write_whole

_TIME = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """One row of an alarm file."""

    place: str
    """Pipe or zone."""
    start: datetime
    issued: datetime
    flow_m3h: float
    confidence: float


def write_alarms(rows: Sequence[AlarmRow], out: Path, zone: tzinfo = UTC) -> None:
    """``pipe-or-zone,start time,issue time,m3h,confidence``; times as the recording gives them.

    Args:
        rows: In the order in which they stand.
        out: The file.
        zone: In whose time they are written; of recordings that name none UTC, for their times are kept as they are.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["pipe-or-zone", "start time", "issue time", "m3h", "confidence"])
    for row in rows:
        start, issued = (f"{moment.astimezone(zone):{_TIME}}" for moment in (row.start, row.issued))
        writer.writerow([row.place, start, issued, f"{row.flow_m3h:.2f}", f"{row.confidence:.2f}"])
    write_whole(out, text.getvalue())


def read_alarms(path: Path) -> list[tuple[str, datetime]]:
    """Place and moment of issue of each row of a file that ``write_alarms`` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["pipe-or-zone"], datetime.fromisoformat(row["issue time"])) for row in csv.DictReader(file)]


def epoch_of(start: datetime) -> float:
    """Sets give local times without a zone; they are kept as they are."""
    return utc(start).timestamp()


def utc(moment: datetime) -> datetime:
    """A moment of a set, which names no zone, as if in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
