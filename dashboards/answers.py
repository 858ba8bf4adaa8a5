"""What Grafana would draw wrongly, or not at all, and say nothing: told from the rows that a panel's query gave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dashboards.model import Panel, Target

Rows = Sequence[tuple[Any, ...]]
_NUMBER = (int, float, Decimal, timedelta, type(None))


def rows_with_values(columns: Sequence[str], rows: Rows, target: Target) -> int:
    """Rows that hold something besides time and names of series."""
    names = {"time", "metric"} if target.format == "time_series" else set()
    values = [index for index, column in enumerate(columns) if column not in names]
    return sum(any(row[index] is not None for index in values) for row in rows)


def fault_of(panel: Panel, columns: Sequence[str], rows: Rows) -> str | None:  # noqa: PLR0911 - one answer a kind
    """The first thing that is wrong with an answer; None when Grafana can draw it."""
    missing = _missing(panel, columns, rows)
    if missing:
        return f"overrides name what is not there: {', '.join(missing)}; there are {', '.join(columns)}"
    match panel.type:
        case "timeseries":
            return _series(columns, rows)
        case "stat" | "bargauge":
            good = not rows or any(isinstance(value, _NUMBER) for value in rows[0])
            return None if good else f"a {panel.type} needs a number"
        case "geomap":
            return _map(columns, rows)
        case "xychart":
            return None if all(isinstance(row[0], datetime) for row in rows) else "the first column is no time"
        case "trend":
            rising = [row[0] for row in rows] == sorted({row[0] for row in rows})
            return None if rising else "the first column does not rise"
        case "table":
            return None


def _missing(panel: Panel, columns: Sequence[str], rows: Rows) -> list[str]:
    wanted = [override.matcher.options for override in panel.fieldConfig.overrides]
    if panel.type != "timeseries":
        return [name for name in wanted if name not in columns]
    series = {row[columns.index("metric")] for row in rows} if "metric" in columns else set()
    return [name for name in wanted if series and name not in series]


def _map(columns: Sequence[str], rows: Rows) -> str | None:
    if not {"lat", "lon"} <= set(columns):
        return f"a map needs lat and lon; there are {', '.join(columns)}"
    places = [columns.index(name) for name in ("lat", "lon")]
    wrong = any(not isinstance(row[place], float) for row in rows for place in places)
    return "a mark has no place" if wrong else None


def _series(columns: Sequence[str], rows: Rows) -> str | None:
    if "time" not in columns or not set(columns) <= {"time", "metric", "value"}:
        return f"columns {', '.join(columns)} are no time series; right would be time, metric, value"
    where = {column: index for index, column in enumerate(columns)}
    times = [row[where["time"]] for row in rows]
    if any(not isinstance(moment, datetime) or moment.tzinfo is None for moment in times):
        return "the time column holds something else than moments with a time zone"
    if times != sorted(times):
        return "rows are not sorted by time"
    drawn = {(row[where["time"]], row[where["metric"]] if "metric" in where else None) for row in rows}
    return None if len(drawn) == len(rows) else "a series has two values at one time"
