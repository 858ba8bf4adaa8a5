"""Runs the SQL of every panel as Grafana would, and says what came back.

This is how dashboards are proved here: no Grafana server runs in the tests, but PostgreSQL does, and a renamed column, an undefined
variable, a misspelt macro, unsorted series or an override for a column that is gone all show. Colours and drawing do not.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from dashboards.build import load_all
from dashboards.macros import Context, MacroError, TimeRange, Value, expand, step_s
from dashboards.model import Dashboard, Panel, Target, parse

READ_ROLE = "khettara_read"
FOLDER = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboards"

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelResult:
    """What one panel gave for one range and one choice of zones."""

    dashboard: str
    panel: str
    range: TimeRange
    zones: tuple[str, ...]
    """The chosen zones; empty is All."""
    rows: int
    """Rows with at least one value besides time and names of series."""
    seconds: float
    error: str | None = None
    may_be_empty: bool = False
    """Whether no rows is a good answer here, such as no dead letters."""

    @property
    def ok(self) -> bool:
        """Neither an error nor an unexpected void."""
        return self.error is None and (self.rows > 0 or self.may_be_empty)

    def __str__(self) -> str:
        chosen = ", ".join(self.zones) or "all zones"
        said = self.error or f"{self.rows} rows"
        return f"{self.dashboard} · {self.panel} · {self.range.start:%Y-%m-%d %H:%M} + {self.range.duration} · {chosen}: {said}"


def check_panels(dsn: str, start: datetime, end: datetime, *, timeout_s: float = 20.0) -> list[PanelResult]:
    """Runs every committed dashboard for one range and all zones.

    Args:
        dsn: A login that is the read-only role, or may become it.
        start: First moment, time zone aware.
        end: Last moment.
        timeout_s: Longest time for one panel.

    Raises:
        psycopg.Error: The database cannot be reached. What a panel's SQL does wrong is in its result.
    """
    with psycopg.connect(dsn, autocommit=True, application_name="khettara dashboards") as connection:
        return run_panels(connection, load_all(FOLDER), [TimeRange(start=start, end=end)], [()], timeout_s=timeout_s)


def run_panels(
    connection: Connection,
    dashboards: Mapping[str, Mapping[str, Any]],
    ranges: Sequence[TimeRange],
    zones: Sequence[Sequence[str]],
    *,
    timeout_s: float = 20.0,
    timescale: bool = False,
) -> list[PanelResult]:
    """Every panel × range × choice of zones, as the read-only role, in transactions that are rolled back.

    Args:
        connection: In autocommit mode; its login is the read-only role, or may become it.
        dashboards: JSON by file name.
        ranges: Time ranges of the dashboard.
        zones: Choices of zones; an empty one is All, which is what the variable's own query gives.
        timeout_s: Longest time for one panel.
        timescale: Whether the data source is told that TimescaleDB is there.

    Raises:
        ConfigurationError: A dashboard's structure is not ours.
    """
    parsed = [parse(data, name) for name, data in dashboards.items()]
    reader = _Reader(connection, timeout_s=timeout_s, timescale=timescale)
    return [
        result
        for dashboard in parsed
        for chosen in (zones if _by_zone(dashboard) else [()])
        for span in ranges
        for result in reader.run(dashboard, span, tuple(chosen))
    ]


def _by_zone(dashboard: Dashboard) -> bool:
    return any(variable.name == "zone" for variable in dashboard.templating.list)


@dataclass(frozen=True, slots=True)
class _Answer:
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class _Reader:
    """Grafana's side of the connection."""

    def __init__(self, connection: Connection, *, timeout_s: float, timescale: bool) -> None:
        self._connection = connection
        self._timeout_ms = round(timeout_s * 1000)
        self._timescale = timescale

    def run(self, dashboard: Dashboard, span: TimeRange, zones: tuple[str, ...]) -> list[PanelResult]:
        variables: dict[str, Value] = {"ds": "postgres"}
        for variable in dashboard.templating.list:
            if variable.type == "query":
                variables[variable.name] = zones or [str(row[-1]) for row in self._query(variable.query).rows]
        return [self._panel(dashboard, panel, span, zones, variables) for panel in dashboard.drawn]

    def _panel(
        self, dashboard: Dashboard, panel: Panel, span: TimeRange, zones: tuple[str, ...], variables: Mapping[str, Value]
    ) -> PanelResult:
        shown = span.last(panel.timeFrom) if panel.timeFrom else span
        step = step_s(shown.duration, at_least=panel.interval)
        context = Context(range=shown, variables=variables, interval_s=step, timescale=self._timescale)
        began = time.monotonic()
        rows, error = 0, None
        try:
            for target in panel.targets:
                answer = self._query(expand(target.rawSql, context))
                rows += _rows_with_values(answer, target)
                error = error or _fault(panel, target, answer)
        except (MacroError, psycopg.Error) as failure:
            error = f"{type(failure).__name__}: {str(failure).strip()}"
        return PanelResult(
            dashboard=dashboard.uid,
            panel=panel.title,
            range=shown,
            zones=zones,
            rows=rows,
            error=error,
            seconds=time.monotonic() - began,
            may_be_empty=panel.fieldConfig.defaults.noValue is not None,
        )

    def _query(self, sql: str) -> _Answer:
        connection = self._connection
        with connection.transaction(force_rollback=True), connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(f"SET LOCAL ROLE {READ_ROLE}".encode())
            cursor.execute(f"SET LOCAL statement_timeout = {self._timeout_ms}".encode())
            cursor.execute(sql.encode())
            return _Answer(tuple(column.name for column in cursor.description or ()), cursor.fetchall())


def _rows_with_values(answer: _Answer, target: Target) -> int:
    names = {"time", "metric"} if target.format == "time_series" else set()
    values = [index for index, column in enumerate(answer.columns) if column not in names]
    return sum(any(row[index] is not None for index in values) for row in answer.rows)


def _fault(panel: Panel, target: Target, answer: _Answer) -> str | None:
    """What Grafana would draw wrongly, or not at all, without an error."""
    missing = [
        override.matcher.options for override in panel.fieldConfig.overrides if override.matcher.options not in answer.columns
    ]
    if missing:
        return f"overrides name columns that are not there: {', '.join(missing)}; there are {', '.join(answer.columns)}"
    if target.format == "time_series":
        return _series_fault(answer)
    if (
        panel.type == "stat"
        and answer.rows
        and not any(isinstance(value, int | float | Decimal | timedelta | None) for value in answer.rows[0])
    ):
        return "a stat needs a number"
    return None


def _series_fault(answer: _Answer) -> str | None:
    if "time" not in answer.columns or not set(answer.columns) <= {"time", "metric", "value"}:
        return f"columns {', '.join(answer.columns)} are no time series; right would be time, metric, value"
    where = {column: index for index, column in enumerate(answer.columns)}
    times = [row[where["time"]] for row in answer.rows]
    if any(not isinstance(moment, datetime) or moment.tzinfo is None for moment in times):
        return "the time column holds something else than moments with a time zone"
    if times != sorted(times):
        return "rows are not sorted by time"
    drawn = {(row[where["time"]], row[where["metric"]] if "metric" in where else None) for row in answer.rows}
    if len(drawn) != len(answer.rows):
        return "a series has two values at one time"
    return None
