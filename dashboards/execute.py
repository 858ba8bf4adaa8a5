"""Runs the SQL of every panel as Grafana would, and says what came back.

This is how dashboards are proved here: no Grafana server runs in the tests, but PostgreSQL does, and a renamed column, an undefined
variable, a misspelt macro, unsorted series or an override for a column that is gone all show. Colours and drawing do not.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from dashboards.answers import fault_of, rows_with_values
from dashboards.build import load_all
from dashboards.macros import Context, MacroError, TimeRange, Value, expand, step_s
from dashboards.model import Dashboard, Panel, Variable, parse

READ_ROLE = "khettara_read"
ALL = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboards"
FOLDER = ALL / "fr"
"""One language: the others differ in names alone."""

Connection = psycopg.Connection[tuple[Any, ...]]
Choice = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelResult:
    """What one panel gave for one range and one choice of zones."""

    dashboard: str
    panel: str
    range: TimeRange
    choice: tuple[tuple[str, tuple[str, ...]], ...]
    """The chosen values by variable; what is not named is All."""
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
        chosen = ", ".join(f"{name} {'+'.join(values)}" for name, values in self.choice) or "all zones"
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
        return run_panels(connection, load_all(FOLDER), [TimeRange(start=start, end=end)], [{}], timeout_s=timeout_s)


def run_panels(
    connection: Connection,
    dashboards: Mapping[str, Mapping[str, Any]],
    ranges: Sequence[TimeRange],
    choices: Sequence[Choice],
    *,
    timeout_s: float = 20.0,
    timescale: bool = False,
) -> list[PanelResult]:
    """Every panel × range × choice of variables, as the read-only role, in transactions that are rolled back.

    Args:
        connection: In autocommit mode; its login is the read-only role, or may become it.
        dashboards: JSON by file name.
        ranges: Time ranges of the dashboard.
        choices: Values by variable; one that is not named is All, which is what the variable's own query gives after the choices
            before it.
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
        for choice in (choices if _asks(dashboard) else [{}])
        for span in ranges
        for result in reader.run(dashboard, span, choice)
    ]


def _asks(dashboard: Dashboard) -> bool:
    return any(variable.type == "query" for variable in dashboard.templating.list)


@dataclass(frozen=True, slots=True)
class _Answer:
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class _Reader:
    """Asks as Grafana's data source would: variables, macros, read-only role, a limit on time."""

    def __init__(self, connection: Connection, *, timeout_s: float, timescale: bool) -> None:
        self._connection, self._timescale = connection, timescale
        self._timeout_ms = round(timeout_s * 1000)

    def run(self, dashboard: Dashboard, span: TimeRange, choice: Choice) -> list[PanelResult]:
        variables: dict[str, Value] = {}
        for variable in dashboard.templating.list:
            if variable.type == "textbox":
                variables[variable.name] = variable.query
            elif variable.type == "query":
                variables[variable.name] = tuple(choice.get(variable.name, ())) or self._all(variable, span, variables)
        return [self._panel(dashboard, panel, span, choice, variables) for panel in dashboard.drawn]

    def _all(self, variable: Variable, span: TimeRange, variables: Mapping[str, Value]) -> tuple[str, ...]:
        context = Context(range=span, variables=variables, interval_s=60.0, timescale=self._timescale)
        try:
            answer = self._query(expand(variable.query, context))
        except psycopg.errors.SyntaxError:
            return ()  # an empty list before it: Grafana would show this variable as empty, too
        place = answer.columns.index("__value")
        return tuple(str(row[place]) for row in answer.rows)

    def _panel(
        self, dashboard: Dashboard, panel: Panel, span: TimeRange, choice: Choice, variables: Mapping[str, Value]
    ) -> PanelResult:
        shown = span.last(panel.timeFrom) if panel.timeFrom else span
        step = step_s(shown.duration, at_least=panel.interval)
        context = Context(range=shown, variables=variables, interval_s=step, timescale=self._timescale)
        began = time.monotonic()
        rows, error = 0, None
        try:
            for target in panel.targets:
                answer = self._query(expand(target.rawSql, context))
                rows += rows_with_values(answer.columns, answer.rows, target)
                error = error or fault_of(panel, answer.columns, answer.rows)
        except (MacroError, psycopg.Error) as failure:
            error = f"{type(failure).__name__}: {str(failure).strip()}"
        return PanelResult(
            dashboard=dashboard.uid,
            panel=panel.title,
            range=shown,
            choice=tuple((name, tuple(values)) for name, values in choice.items()),
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
