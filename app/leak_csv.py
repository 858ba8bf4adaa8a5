"""A CSV of inflows and the map of its columns, as what the detectors of ``khettara leaks replay`` take.

Spreadsheets of the world are read: plain or gzip whatever the name says, UTF-8 with or without a mark, commas, or semicolons and
then decimal commas. What cannot be meant is refused with file, row, column, value and what would be right.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from app.csv_text import EMPTY, csv_text, has_semicolons
from app.replay.mapping import ReplayMap
from domain.errors import ConfigurationError
from domain.points import PointKey
from domain.series import FloatArray, local_days_and_minutes
from leak_detection.inputs import ZoneInputs, zone_inputs
from leak_detection.recording_notes import gaps_in_words

TEACH_DAYS = 28
"""What only teaches before a recording without meters is judged."""
_MOST_STEPS = 5_000_000
"""Of the grid: 47 years of five minutes. More is a year that was mistyped."""
_SHOWN = 6
_NAMED_UNITS = {"lps": "L/s", "ls": "L/s", "lpm": "L/min", "lph": "L/h", "m3h": "m3/h", "m3s": "m3/s", "m3d": "m3/d"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflows:
    """What a CSV holds."""

    zones: tuple[ZoneInputs, ...]
    notes: tuple[str, ...]
    """What in it lowers confidence, in words."""


def read_inflows(file: Path, points: ReplayMap) -> Inflows:
    """Every zone's inflow of a CSV on one regular grid; of repeated rows the last counts, late ones take their place.

    A local time that the end of summer time brings twice is the later one when it comes again.

    Raises:
        ConfigurationError: The file or a column is missing, a time or number cannot be read, the file is cut off, its readings are
            rarer than hourly, or nothing is left to judge.
    """
    zones = points.inventory.metered_zones()
    if not zones:
        raise ConfigurationError(
            file=str(file),
            key="--points",
            value="no column of quantity flow",
            expected="one zone or more with a column of its inflow",
        )
    table = _table(file, points)
    if len(table) < 2:
        raise ConfigurationError(file=str(file), key="rows", value=len(table), expected="two rows or more")
    times = np.array(sorted(table))
    step_s = _step(times, file)
    size = round((times[-1] - times[0]) / step_s) + 1
    _enough(times, size, step_s, points, file)
    grid = np.full((size, len(points.columns)), np.nan)
    grid[np.round((times - times[0]) / step_s).astype(np.int64)] = [table[t] for t in times]
    calendar = points.inventory.site.calendar
    local = local_days_and_minutes(times[0] + step_s * np.arange(size), calendar.zone)
    values, notes = _plausible(grid, points)
    notes += _other_units(points)
    notes += gaps_in_words(
        grid, [f"column {c.name}" for c in points.columns], round(86400 / step_s), datetime.fromtimestamp(times[0], calendar.zone)
    )
    inputs = tuple(zone_inputs(z, calendar, values, start_s=float(times[0]), step_s=step_s, local=local) for z in zones)
    silent = [z.key for z in zones if not any(np.isfinite(values[i.point]).any() for i in z.inlets)]
    if len(silent) == len(inputs):
        raise ConfigurationError(file=str(file), key="rows", value="not one inflow", expected="readings in a column of the map")
    notes += tuple(f"zone {zone}: no inflow at all, nothing was looked for" for zone in silent)
    return Inflows(zones=inputs, notes=notes)


def _plausible(grid: FloatArray, points: ReplayMap) -> tuple[dict[PointKey, FloatArray], tuple[str, ...]]:
    """Values in canonical units by point, without what lies outside the map's low and high, and what that was."""
    values, notes = {}, []
    for k, column in enumerate(points.columns):
        key = PointKey(column.point)
        point, value = points.inventory.points[key], grid[:, k] * float(column.unit.factor)
        low = -math.inf if point.low is None else point.low
        high = math.inf if point.high is None else point.high
        out = (value < low) | (value > high)
        if out.any():
            said = f"outside {low:g} to {high:g} {point.quantity.unit}, the map's low and high"
            notes.append(f"column {column.name}: {int(out.sum())} values left out, {said}")
        values[key] = np.where(out, np.nan, value)
    return values, tuple(notes)


def _other_units(points: ReplayMap) -> tuple[str, ...]:
    """Columns whose name ends in a unit that the map does not give them: a flow 3.6 times too small looks like any other."""
    said = ((c, _NAMED_UNITS.get(c.name.lower().rpartition("_")[2])) for c in points.columns)
    return tuple(
        f"column {c.name} is taken in {c.unit.symbol}, as the map says; its name says {named}"
        for c, named in said
        if named is not None and named != c.unit.symbol
    )


def _step(times: FloatArray, file: Path) -> float:
    """Spacing of the readings [s]: the median, of which an hour must be a whole multiple."""
    step_s = float(np.median(np.diff(times)))
    if step_s > 3600 or 3600 % step_s:
        raise ConfigurationError(
            file=str(file), key="spacing of the rows", value=f"{step_s:g} s",
            expected="readings every hour, or a whole part of one such as 900 s: night flows need them",
        )  # fmt: skip
    return step_s


def _enough(times: FloatArray, size: int, step_s: float, points: ReplayMap, file: Path) -> None:
    first, last = (datetime.fromtimestamp(float(t), points.timezone) for t in (times[0], times[-1]))
    if size > _MOST_STEPS:
        raise ConfigurationError(
            file=str(file), key=points.time_column, value=f"from {first:%Y-%m-%d} to {last:%Y-%m-%d}",
            expected=f"less than {_MOST_STEPS * step_s / 86400 / 365:.0f} years at {step_s:g} s; is the year of a row wrong?",
        )  # fmt: skip
    days = size * step_s / 86400.0
    if days <= TEACH_DAYS:
        raise ConfigurationError(
            file=str(file), key="rows", value=f"{days:.1f} days from {first:%Y-%m-%d %H:%M}",
            expected=f"more than {TEACH_DAYS} days: so many only teach what is usual, and leaks are looked for after them",
        )  # fmt: skip


def _table(file: Path, points: ReplayMap) -> dict[float, list[float]]:
    """Numbers of the map's columns by moment [s since 1970 UTC]."""
    table: dict[float, list[float]] = {}
    with csv_text(file) as text:
        first = text.readline()
        semicolons = has_semicolons(first)
        separator = ";" if semicolons else ","
        header = [cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])]
        places = _places(header, points, file)
        number = 1
        try:
            for number, row in enumerate(csv.reader(text, delimiter=separator), 2):
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) < len(header):
                    raise ConfigurationError(
                        file=str(file), key=f"row {number}", value=f"{len(row)} cells",
                        expected=f"{len(header)}, as in the header; is the file cut off there?",
                    )  # fmt: skip
                moment = _seconds(row[places[0]], points, table, file, number)
                table[moment] = [
                    _number(row[at], semicolons, file, f"row {number}, {c.name}")
                    for at, c in zip(places[1:], points.columns, strict=True)
                ]
        except (EOFError, zlib.error, gzip.BadGzipFile, csv.Error) as error:
            raise ConfigurationError(
                file=str(file), key=f"after row {number}", value=str(error), expected="a whole file; it is cut off or damaged there"
            ) from error
    return table


def _places(header: Sequence[str], points: ReplayMap, file: Path) -> list[int]:
    """Where the time and the columns of the map stand."""
    wanted = [points.time_column, *(c.name for c in points.columns)]
    missing = [name for name in wanted if name not in header]
    if missing:
        there = ", ".join(header[:_SHOWN]) + (" …" if len(header) > _SHOWN else "") if any(header) else "none"
        raise ConfigurationError(
            file=str(file), key="columns", value=f"without {', '.join(missing)}",
            expected=f"the columns that --points names, separated by commas or semicolons; the file has {there}",
        )  # fmt: skip
    return [header.index(name) for name in wanted]


def _seconds(text: str, points: ReplayMap, known: dict[float, list[float]], file: Path, row: int) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is not None:
            return moment.timestamp()
        moment = moment.replace(tzinfo=points.timezone)
        later = moment.replace(fold=1)
        twice = later.utcoffset() != moment.utcoffset() and later - timedelta(0) >= moment
        return later.timestamp() if twice and moment.timestamp() in known else moment.timestamp()
    except (ValueError, OverflowError):
        raise ConfigurationError(
            file=str(file), key=f"row {row}, {points.time_column}", value=text,
            expected="an ISO 8601 time such as 2021-01-31T00:00:00Z, or without offset for one of replay.timezone",
        ) from None  # fmt: skip


def _number(text: str, comma: bool, file: Path, where: str) -> float:
    text = text.strip()
    if text.lower() in EMPTY:
        return math.nan
    try:
        value = float(text.replace(",", ".") if comma else text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise ConfigurationError(file=str(file), key=where, value=text, expected="a number such as 3.75, or an empty cell")
    return value
