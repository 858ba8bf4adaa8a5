"""``khettara bench query``: how long the dashboards' panels take over a year of readings, beside the same asked of readings.

Fills a database of its own with the demonstration's points, a reading a minute each, week by week backwards from now, and refreshes
the rollups as it goes; then draws every panel. "Raw" is the very same SQL with the rollups switched off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from app.database import migrate_and_save
from app.embedded.postgres import ADMIN, EmbeddedPostgres
from app.site import load_site
from dashboards.build import load_all
from dashboards.execute import FOLDER, PanelResult, run_panels
from dashboards.macros import TimeRange
from domain.errors import ConfigurationError
from storage.database import Database
from storage.life import ClassSize, on_timescale, read_life, refresh_aggregates
from storage.reading_rows import Rows, copy_bytes
from storage.rollups import marks_of, refresh

SITE = Path(__file__).parents[2] / "sites" / "demo"
TIMESCALE = "KHETTARA_TIMESCALE_DSN"
RANGES = {"24 h": timedelta(days=1), "7 d": timedelta(days=7), "30 d": timedelta(days=30), "1 y": timedelta(days=365)}
_WEEK_S = 7 * 86_400
_BATCH_MINUTES = 120
_TIMEOUT_S = 30.0
"""The reader's own limit; a panel that does not answer in it draws nothing."""
_COPY = "COPY {} (time, value, point_id, quality) FROM STDIN (FORMAT BINARY)"
_MARK = "SELECT mark_readings(%s::timestamptz[], %s::timestamptz[], %s::text[])"
_RAW_ONLY = """
CREATE OR REPLACE FUNCTION rollup_class(width interval) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 'raw' $$"""

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(slots=True, kw_only=True)
class Filled:
    """What the database was filled with, and how fast."""

    points: int
    rows: int = 0
    first: datetime | None = None
    last: datetime
    copy_s: float = 0.0
    unmarked_rows: int = 0
    unmarked_s: float = 0.0
    """The same COPY into a like table without marks, a batch in eight, by turns."""
    refresh_s: float = 0.0
    sizes: tuple[ClassSize, ...] = ()
    compressed: tuple[ClassSize, ...] = ()
    """The same after compression; empty on plain PostgreSQL."""
    notes: list[str] = field(default_factory=list)


def bench_query(*, rows: int, minutes: float) -> list[dict[str, Any]]:
    """Runs the benchmark on plain PostgreSQL, and on TimescaleDB where ``KHETTARA_TIMESCALE_DSN`` names an empty database.

    Args:
        rows: Readings to fill in.
        minutes: How long filling may take, each: what fits, counts.
    """
    with _embedded() as dsn:
        reports = [_measure(dsn, "plain PostgreSQL", rows=rows, minutes=minutes)]
    timescale = os.environ.get(TIMESCALE)
    if timescale:
        with psycopg.connect(timescale) as connection:
            taken = connection.execute("SELECT to_regclass('public.schema_migration') IS NOT NULL").fetchone()
        if taken == (True,):
            raise ConfigurationError(file="environment", key=TIMESCALE, value="a database in use", expected="an empty database")
        reports.append(_measure(timescale, "TimescaleDB", rows=rows, minutes=minutes))
    return reports


@contextlib.contextmanager
def _embedded() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="khettara-bench-"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "postgres")
    try:
        server.start()
        yield server.dsn(ADMIN)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _measure(dsn: str, kind: str, *, rows: int, minutes: float) -> dict[str, Any]:
    asyncio.run(migrate_and_save(dsn, load_site(SITE)))
    end = datetime.fromtimestamp(int(time.time()) // _WEEK_S * _WEEK_S, UTC)
    filled = fill(dsn, end, rows=rows, until=time.monotonic() + minutes * 60)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        panels = _draw(connection, end, times=2)
        connection.execute(_RAW_ONLY)
        raw = _draw(connection, end, times=1)
    return report(kind, filled, panels, raw)


def fill(dsn: str, end: datetime, *, rows: int, until: float) -> Filled:
    """Readings week by week backwards from ``end``, until there are so many or ``until`` (monotonic) is reached."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        points = [number for (number,) in connection.execute("SELECT point_id FROM point ORDER BY 1").fetchall()]
        filled = Filled(points=len(points), last=end)
        timescale = asyncio.run(_is_timescale(dsn))
        connection.execute(f"CREATE TABLE bench_plain (LIKE reading INCLUDING {'DEFAULTS' if timescale else 'ALL'})")
        rng, start = np.random.default_rng(1), end
        while filled.rows < rows and time.monotonic() < until:
            start -= timedelta(seconds=_WEEK_S)
            connection.execute("SELECT ensure_reading_partitions(%s, %s)", (start, start))
            _copy_week(connection, np.array(points, dtype=np.int32), start, rng, filled)
            began = time.perf_counter()
            if not timescale:
                asyncio.run(_refresh(dsn, end))
            filled.refresh_s += time.perf_counter() - began
            filled.first = start
        connection.execute("DROP TABLE bench_plain")
    asyncio.run(_finish(dsn, filled, timescale=timescale))
    return filled


def _copy_week(
    connection: Connection, points: np.ndarray[Any, Any], start: datetime, rng: np.random.Generator, filled: Filled
) -> None:
    minute_ms = 60_000
    for number, first in enumerate(range(0, 7 * 1440, _BATCH_MINUTES)):
        minutes = np.repeat(np.arange(first, first + _BATCH_MINUTES), points.size)
        size = minutes.size
        rows = Rows(
            stream=np.zeros(size, dtype=np.int32),
            sequence=np.zeros(size, dtype=np.int64),
            point_id=np.tile(points, _BATCH_MINUTES),
            time_ms=int(start.timestamp() * 1000) + minutes * minute_ms,
            counts=(2500 + 800 * np.sin(minutes / 229) + rng.integers(-50, 50, size)).astype(np.int64),
            quality=np.where(rng.random(size) < 0.02, 1, 0).astype(np.int16),
        )
        data, marks = copy_bytes(rows), marks_of(rows)
        began = time.perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_MARK, (list(marks.starts), list(marks.ends), list(marks.points)))
            with cursor.copy(_COPY.format("reading")) as copy:
                copy.write(data)
        filled.copy_s += time.perf_counter() - began
        filled.rows += size
        if number % 8 == 0:
            began = time.perf_counter()
            with connection.transaction(), connection.cursor() as cursor, cursor.copy(_COPY.format("bench_plain")) as copy:
                copy.write(data)
            filled.unmarked_s += time.perf_counter() - began
            filled.unmarked_rows += size


async def _is_timescale(dsn: str) -> bool:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        return await on_timescale(connection)


async def _refresh(dsn: str, at: datetime) -> None:
    async with Database(dsn, size=1) as database:
        await refresh(database, at, budget_s=3600)


async def _finish(dsn: str, filled: Filled, *, timescale: bool) -> None:
    """Sizes; on TimescaleDB the aggregates and compression as well."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        if timescale:
            began = time.perf_counter()
            await refresh_aggregates(connection, filled.last)
            filled.refresh_s = time.perf_counter() - began
        life = await read_life(connection, filled.last)
        filled.sizes = life.classes if life else ()
        if timescale:
            await connection.execute(
                "SELECT compress_chunk(c, true) FROM show_chunks('reading', older_than => %s) c", (filled.last,)
            )
            life = await read_life(connection, filled.last)
            filled.compressed = life.classes if life else ()


def _draw(connection: Connection, end: datetime, *, times: int) -> dict[tuple[str, str, str], PanelResult]:
    """Every panel for every range, the quickest of so many draws."""
    found: dict[tuple[str, str, str], PanelResult] = {}
    for name, span in RANGES.items():
        for _ in range(times):
            for result in run_panels(
                connection, load_all(FOLDER), [TimeRange(start=end - span, end=end)], [{}], timeout_s=_TIMEOUT_S
            ):
                key = (result.dashboard, result.panel, name)
                if key not in found or result.seconds < found[key].seconds:
                    found[key] = result
    return found


# --- the report ---------------------------------------------------------------------------------------------------


def report(
    kind: str,
    filled: Filled,
    panels: Mapping[tuple[str, str, str], PanelResult],
    raw: Mapping[tuple[str, str, str], PanelResult],
) -> dict[str, Any]:
    """The figures as JSON holds them."""
    covered = filled.last - (filled.first or filled.last)
    bytes_a_row = {part.name: round(part.bytes / max(filled.rows, 1), 2) for part in filled.sizes}
    rate, plain = filled.rows / max(filled.copy_s, 1e-9), filled.unmarked_rows / max(filled.unmarked_s, 1e-9)
    return {
        "database": kind,
        "rows": filled.rows,
        "points": filled.points,
        "days": covered.days,
        "copy_rows_s": round(rate),
        "copy_rows_s_without_marks": round(plain),
        "copy_ratio": round(rate / plain, 3) if plain else None,
        "refresh_rows_s": round(filled.rows / filled.refresh_s) if filled.refresh_s else None,
        "bytes_per_reading": bytes_a_row,
        "bytes_per_reading_compressed": {part.name: round(part.bytes / max(filled.rows, 1), 2) for part in filled.compressed},
        "panels": [
            {
                "dashboard": dashboard,
                "panel": panel,
                "range": name,
                "ms": round(result.seconds * 1000, 1),
                "raw_ms": round(raw[dashboard, panel, name].seconds * 1000, 1),
                "rows": result.rows,
                "error": result.error,
                "raw_error": raw[dashboard, panel, name].error,
            }
            for (dashboard, panel, name), result in panels.items()
        ],
    }


def describe(figures: Mapping[str, Any]) -> list[str]:
    """The report in words: the panels that read readings or rollups, the slowest first."""
    sizes = ", ".join(f"{name} {size:g}" for name, size in figures["bytes_per_reading"].items())
    small = ", ".join(f"{name} {size:g}" for name, size in figures["bytes_per_reading_compressed"].items())
    lines = [
        f"{figures['database']}: {figures['rows']:,} readings of {figures['points']} points over {figures['days']} days",
        f"COPY {figures['copy_rows_s']:,} rows/s with marks for the rollups, {figures['copy_rows_s_without_marks']:,} without",
        f"rollups written at {figures['refresh_rows_s'] or 0:,} readings/s",
        f"bytes on disk a reading, by class: {sizes}" + (f"; compressed: {small}" if small else ""),
    ]
    by_panel: dict[str, dict[str, Mapping[str, Any]]] = {}
    for panel in figures["panels"]:
        by_panel.setdefault(panel["panel"], {})[panel["range"]] = panel
    lines.append(f"{'panel, ms (raw ms)':<34}" + "".join(f"{name:>20}" for name in RANGES))
    slowest = sorted(by_panel.items(), key=lambda item: -max(panel["raw_ms"] for panel in item[1].values()))
    for title, ranges in slowest:
        lines.append(f"{title[:33]:<34}" + "".join(f"{_cell(ranges[name]):>20}" for name in RANGES if name in ranges))
    return lines


def _cell(panel: Mapping[str, Any]) -> str:
    shown = "failed" if panel["error"] else f"{panel['ms']:,.0f}"
    return f"{shown} ({'>' + format(_TIMEOUT_S, 'g') + ' s' if panel['raw_error'] else format(panel['raw_ms'], ',.0f')})"
