"""``khettara zones report``: what the inflow of each zone says about a period, in local time."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from app.demo.layout import Layout
from app.local import LocalServices
from app.settings import load_settings
from app.whole_tables import print_whole
from domain.calendar import Calendar
from domain.errors import ConfigurationError
from domain.points import PointKey
from domain.series import Series
from leak_detection.night_report import NightReport, night_report
from storage.boundaries import Boundary, read_boundaries
from storage.database import Database
from storage.roles import Role
from storage.series import PostgresSeries

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneReport:
    """One zone's report."""

    boundary: Boundary
    report: NightReport


def run_zones_report(
    data: Path | None, config: Path | None, start: datetime | None, end: datetime | None, *, as_json: bool, console: Console
) -> None:
    """Prints the report of every zone with inlets.

    Args:
        data: Data folder of a demonstration or replay; its database is started for the question if it is not running.
        config: Settings file of a running system, where there is no data folder.
        start: First moment, local time of the site.
        end: First moment not included, local time of the site.
        as_json: JSON on standard output instead of a table.
        console: Where the table goes.

    Raises:
        ConfigurationError: The data folder holds no database, or the period is empty.
    """
    if start is not None and end is not None and end <= start:
        raise ConfigurationError(
            file="command line", key="--to", value=end.isoformat(), expected=f"a moment after {start.isoformat()}"
        )
    with ExitStack() as stack:
        if data is not None:
            if not (data / "postgres").is_dir():
                raise ConfigurationError(
                    file=str(data), key="--data", value="no database there", expected="the folder of a demo or replay"
                )
            services = stack.enter_context(LocalServices(layout=Layout(root=data)))
            services.start_database(None)
            dsn = services.dsn(Role.ANALYTICS)
        else:
            dsn = load_settings(config).database.of("analytics")
        timezone, reports = asyncio.run(_ask(dsn, start, end))
    if as_json:
        print(json.dumps(as_document(timezone, start, end, reports), indent=2, ensure_ascii=False))
    else:
        print_whole(console, as_table(timezone, reports))


async def _ask(dsn: str, start: datetime | None, end: datetime | None) -> tuple[str, list[ZoneReport]]:
    async with Database(dsn, size=1) as database:
        timezone, boundaries = await read_boundaries(database)
        calendar = Calendar(timezone=timezone)
        first, last = (_local(moment, calendar) for moment in (start, end))
        source = PostgresSeries(database)
        reports = []
        for boundary in sorted(boundaries, key=lambda b: natural(b.zone)):
            points = [inlet.point for inlet in boundary.inlets]
            series = await source.series(points, first or EARLIEST, last or datetime.now(UTC) + timedelta(days=1))
            inflow = net_inflow(boundary, series)
            reports.append(ZoneReport(boundary=boundary, report=night_report(inflow, calendar, start=first, end=last)))
    return timezone, reports


def natural(key: str) -> list[tuple[int, str]]:
    """Sorts ``dma2`` before ``dma10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", key)]


def _local(moment: datetime | None, calendar: Calendar) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=calendar.zone).astimezone(UTC)


def net_inflow(boundary: Boundary, series: Mapping[PointKey, Series]) -> Series:
    """Signed sum of a zone's inlets at the moments when every one of them has a good value."""
    parts = [(inlet.sign, series[inlet.point].good()) for inlet in boundary.inlets]
    times = parts[0][1].times
    for _, part in parts[1:]:
        times = np.intersect1d(times, part.times)
    total = np.zeros(times.size)
    for sign, part in parts:
        total += sign * part.values[np.searchsorted(part.times, times)]
    return Series(point=parts[0][1].point, times=times, values=total, quality=np.zeros(times.size, dtype=np.int16))


def as_document(timezone: str, start: datetime | None, end: datetime | None, reports: Sequence[ZoneReport]) -> dict[str, Any]:
    """The report as JSON values; flows in m³/h, gaps in UTC."""
    return {
        "timezone": timezone,
        "from": start.isoformat() if start else None,
        "to": end.isoformat() if end else None,
        "zones": [
            {
                "zone": item.boundary.zone,
                "days_covered": item.report.days_covered,
                "mean_inflow_m3h": _rounded(item.report.mean_m3h),
                "minimum_night_flow_m3h": _rounded(item.report.night_flow_median_m3h),
                "minimum_night_flow_least_m3h": _rounded(item.report.night_flow_least_m3h),
                "minimum_night_flow_last_m3h": _rounded(item.report.night_flow_last_m3h),
                "nights": item.report.nights,
                "last_night": item.report.last_night,
                "step_s": item.report.step_s,
                "gaps": [
                    {"from": gap.start.isoformat(), "to": gap.end.isoformat(), "hours": round(gap.hours, 3)}
                    for gap in item.report.gaps
                ],
                "gap_hours": round(sum(gap.hours for gap in item.report.gaps), 3),
            }
            for item in reports
        ],
    }


def as_table(timezone: str, reports: Sequence[ZoneReport]) -> Table:
    """The report for a terminal."""
    table = Table(title=f"Zones ({timezone}); minimum night flow: least 1 h mean of 02:00-05:00, median of the nights")
    for name in ("zone", "days", "mean m³/h", "night m³/h", "night/mean", "least m³/h", "last m³/h", "gaps", "gap hours"):
        table.add_column(name, justify="left" if name == "zone" else "right")
    for item in reports:
        report = item.report
        ratio = report.night_flow_median_m3h / report.mean_m3h if report.night_flow_median_m3h and report.mean_m3h else None
        table.add_row(
            item.boundary.zone,
            f"{report.days_covered:.1f}",
            _shown(report.mean_m3h),
            _shown(report.night_flow_median_m3h),
            _shown(ratio),
            _shown(report.night_flow_least_m3h),
            _shown(report.night_flow_last_m3h),
            str(len(report.gaps)),
            f"{sum(gap.hours for gap in report.gaps):.0f}",
        )
    return table


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
