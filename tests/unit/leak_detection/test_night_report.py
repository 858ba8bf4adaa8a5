from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from domain.calendar import Calendar
from domain.points import PointKey
from domain.series import Series, empty
from leak_detection.night_report import night_report
from tests.support.shared_data import shared

ROME = Calendar(timezone="Europe/Rome")


def hourly(start: datetime, values: list[float] | np.ndarray, step_h: float = 1.0) -> Series:
    times = np.datetime64(start.replace(tzinfo=None), "ms") + (np.arange(len(values)) * step_h * 3_600_000).astype(
        "timedelta64[ms]"
    )
    return Series(
        point=PointKey("p"), times=times, values=np.asarray(values, dtype=np.float64), quality=np.zeros(len(values), dtype=np.int16)
    )


def by_local_hour(start: datetime, hours: int, calendar: Calendar = ROME) -> np.ndarray:
    """10 m³/h and 3 in the local hour 03:00."""
    local = [(start + timedelta(hours=h)).astimezone(ZoneInfo(calendar.timezone)) for h in range(hours)]
    return np.array([3.0 if t.hour == 3 else 10.0 for t in local])


@pytest.mark.parametrize("start", [datetime(2021, 3, 26, 23, tzinfo=UTC), datetime(2021, 10, 29, 22, tzinfo=UTC)])
def test_days_of_23_and_25_hours_keep_their_night(start: datetime) -> None:
    report = night_report(hourly(start, by_local_hour(start, 96)), ROME)
    assert report.nights == 4
    assert report.night_flow_least_m3h == report.night_flow_last_m3h == report.night_flow_median_m3h == 3.0


def test_gaps_are_named_with_their_ends() -> None:
    start = datetime(2021, 6, 1, tzinfo=UTC)
    values = by_local_hour(start, 72)
    values[10:15] = np.nan
    report = night_report(hourly(start, values), ROME, start=start - timedelta(hours=2), end=start + timedelta(hours=75))
    assert [(g.start - start).total_seconds() / 3600 for g in report.gaps] == [-2, 10, 72]
    assert [g.hours for g in report.gaps] == [2, 5, 3]
    assert report.days_covered == pytest.approx(67 / 24, abs=1e-3)
    assert report.step_s == 3600


def test_finer_readings_use_a_moving_hour() -> None:
    start = datetime(2021, 6, 1, tzinfo=UTC)
    values = np.full(288 * 2, 10.0)
    values[12:18] = 4.0
    report = night_report(hourly(start, values, step_h=1 / 12), ROME)
    assert report.nights == 2
    assert report.night_flow_least_m3h == pytest.approx(7.0)


def test_nothing_and_one_reading_are_reported_too() -> None:
    start = datetime(2021, 6, 1, tzinfo=UTC)
    none = night_report(empty(PointKey("p")), ROME, start=start, end=start + timedelta(days=1))
    assert none.mean_m3h is None
    assert none.gaps[0].hours == 24
    assert night_report(hourly(start, [5.0]), ROME).mean_m3h == 5.0
    assert night_report(empty(PointKey("p")), ROME).gaps == ()


@pytest.mark.shared
def test_ten_real_zones() -> None:
    path = shared("data", "bwdf", "bwdf_dma_inflow_hourly.csv.gz")
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    start = datetime.fromisoformat(rows[0]["time_utc"])
    for n in range(1, 11):
        values = np.array([float(r[f"dma{n}_lps"] or "nan") * 3.6 for r in rows])
        known = int(np.isfinite(values).sum())
        end = start + timedelta(hours=len(rows))
        report = night_report(hourly(start, values), ROME, start=start, end=end)
        assert report.days_covered == pytest.approx(known / 24, abs=1e-3)
        assert sum(g.hours for g in report.gaps) == len(rows) - known
        assert report.mean_m3h == pytest.approx(float(np.nanmean(values)))
        assert report.night_flow_median_m3h is not None
        assert report.mean_m3h is not None
        assert 0.4 < report.night_flow_median_m3h / report.mean_m3h < 0.9
        assert report.nights > 0.9 * report.days_covered - 5
