"""Gauge screening and hourly bursts over a recording, as they would have run, and how the screening did against known faults."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from app.bench_model import NetworkSet
from domain.errors import ConfigurationError
from domain.series import FloatArray
from leak_detection.model.bursts import BurstCandidate
from leak_detection.model.gauge_faults import Screening
from leak_detection.model.hourly import HourlyLayer
from leak_detection.model.residuals import FlowRegression

_WARM_DAYS = 40
"""Before the second year: the bursts' watch learns what is usual."""
_AROUND_DAYS = 2
"""About a fault, on which its gauge may be masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueFault:
    """A fault that was put into a recording."""

    gauge: int
    kind: str
    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningScore:
    """How a screening did."""

    faults: int
    found: int
    median_delay_days: float
    handled: float
    """Share of the faulty gauge-days that were masked or corrected."""
    lost: float
    """Share of the other gauge-days that were masked."""
    falsely: int
    """Good gauges masked for three days or more in a row."""


def replay_hourly(
    data: NetworkSet, regression: FlowRegression, signatures: FloatArray, distance_m: FloatArray
) -> tuple[list[tuple[datetime, BurstCandidate]], Screening]:
    """Screens all years and tells the bursts of the second, hour by hour, each from what came before it."""
    per_day, hour = 86400 // data.step_s, 3600 // data.step_s
    layer = HourlyLayer(per_day=per_day, regression=regression, signatures=signatures, distance_m=distance_m)
    second = int((data.second - data.start).total_seconds()) // data.step_s
    told, seen = [], []
    for row in range(0, len(data.pressure_m) // per_day * per_day, hour):
        part = slice(row, row + hour)
        news = layer.look(data.pressure_m[part], data.drivers[part], seek=row >= second - _WARM_DAYS * per_day)
        if news.burst is not None and row >= second:
            told.append((data.start + timedelta(seconds=data.step_s * (row + hour)), news.burst))
        if news.verdict is not None:
            seen.append(news.verdict.usable)
    screener = layer.screener
    return told, Screening(
        usable=screener.usable,
        told=np.stack(seen),
        offset_m=screener.offset_m,
        clock_samples=screener.clock_samples,
        faults=tuple(screener.record.faults),
    )


def read_faults(truth: Path, gauges: Sequence[str], first_year: int, per_day: int) -> list[TrueFault]:
    """Faults of ``sensor_faults.csv``: year, sensor, fault and start_step, with end_step or a length such as "21 d" in the fault.

    Raises:
        ConfigurationError: The file is not there, or names a gauge that the recording does not have.
    """
    file = truth / "sensor_faults.csv"
    try:
        rows = list(csv.DictReader(file.read_text().splitlines()))
    except OSError as error:
        raise ConfigurationError(file=str(file), key="file", value=str(error), expected="the faults of a distorted set") from error
    out = []
    for row in rows:
        if row["sensor"] not in gauges:
            raise ConfigurationError(file=str(file), key="sensor", value=row["sensor"], expected="a gauge of the recording")
        year, start = int(row["year"]), int(row["start_step"])
        offset = (date(year, 1, 1) - date(first_year, 1, 1)).days
        year_days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
        days = re.search(r"(\d+) d\b", row["fault"])
        last = int(row["end_step"]) // per_day if row.get("end_step") else start // per_day + int(days[1]) if days else year_days
        out.append(
            TrueFault(
                gauge=list(gauges).index(row["sensor"]),
                kind=row["fault"].split()[0],
                first_day=offset + start // per_day,
                last_day=offset + min(last, year_days - 1),
            )
        )
    return out


def score_screening(screening: Screening, faults: Sequence[TrueFault]) -> ScreeningScore:
    """Compares a screening with what was put in."""
    days, gauges = screening.usable.shape
    true, near = np.zeros((days, gauges), dtype=bool), np.zeros((days, gauges), dtype=bool)
    delays = []
    for fault in faults:
        true[fault.first_day : fault.last_day + 1, fault.gauge] = True
        near[max(fault.first_day - _AROUND_DAYS, 0) : fault.last_day + 1 + _AROUND_DAYS, fault.gauge] = True
        told = [
            f.found_day - fault.first_day
            for f in screening.faults
            if f.gauge == fault.gauge and f.found_day >= fault.first_day and f.since_day <= fault.last_day
        ]
        delays += [max(min(told), 0)] if told else []
    masked = ~screening.usable
    handled = masked | (screening.offset_m != 0) | (screening.clock_samples != 0)
    long = [f for f in screening.faults if (f.until_day or days) - f.since_day >= 3]
    return ScreeningScore(
        faults=len(faults),
        found=len(delays),
        median_delay_days=float(np.median(delays)) if delays else float("nan"),
        handled=float(handled[true].mean()) if true.any() else float("nan"),
        lost=float(masked[~near].mean()),
        falsely=sum(not near[f.since_day : (f.until_day or days), f.gauge].any() for f in long),
    )
