from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from domain.grids import GridCache, grid_step_s
from domain.points import PointKey
from domain.series import Series, local_days_and_minutes, on_grid

P = PointKey("p")
T0 = datetime(2026, 4, 6, tzinfo=UTC)


def series(minutes: list[float], values: list[float], quality: list[int] | None = None) -> Series:
    times = np.array([np.datetime64(T0.replace(tzinfo=None), "ms") + np.timedelta64(round(m * 60_000), "ms") for m in minutes])
    marks = np.array(quality or [0] * len(values), dtype=np.int16)
    return Series(point=P, times=times, values=np.array(values), quality=marks)


def test_cells_hold_the_mean_of_good_values_only() -> None:
    made = on_grid(series([0, 1, 5, 6, 20], [1.0, 3.0, 9.0, 5.0, 7.0], [0, 0, 1, 0, 0]), T0.timestamp(), 300.0, 4)
    np.testing.assert_array_equal(made, [2.0, 5.0, np.nan, np.nan])


@pytest.mark.parametrize("moment", [datetime(2026, 2, 15, 1, 30, tzinfo=UTC), datetime(2026, 3, 22, 2, 30, tzinfo=UTC), T0])
def test_local_time_is_right_over_clock_changes(moment: datetime) -> None:
    zone = ZoneInfo("Africa/Casablanca")
    seconds = moment.timestamp() + 300.0 * np.arange(-200, 200, dtype=np.float64)
    day, minute = local_days_and_minutes(seconds, zone)
    for i in range(0, 400, 7):
        local = datetime.fromtimestamp(seconds[i], UTC).astimezone(zone)
        assert date.fromordinal(int(day[i])) == local.date()
        assert minute[i] == local.hour * 60 + local.minute


class Source:
    """A value a minute: minutes since the start."""

    def __init__(self) -> None:
        self.asked: list[tuple[datetime, datetime]] = []
        self.missing: range = range(0)

    async def series(self, points, start, end, step_s=None):
        self.asked.append((start, end))
        first, last = ((t - T0).total_seconds() / 60 for t in (start, end))
        minutes = [m for m in range(int(first), int(last)) if m not in self.missing]
        return {P: series([float(m) for m in minutes], [float(m) for m in minutes])}

    async def latest(self, points):
        return {}


async def test_the_window_slides_and_only_the_newest_is_read_again() -> None:
    source = Source()
    cache = GridCache(source, [P], step_s=300.0, span_s=86_400.0)
    with pytest.raises(RuntimeError, match="refresh"):
        assert cache.start_s
    now = T0 + timedelta(days=2, minutes=3)
    assert await cache.refresh(now)
    assert not await cache.refresh(now + timedelta(minutes=1))
    assert await cache.refresh(now + timedelta(minutes=15))
    assert (source.asked[0][1] - source.asked[0][0]) == timedelta(days=1)
    assert (source.asked[1][1] - source.asked[1][0]) <= timedelta(minutes=80)
    times = cache.start_s + 300.0 * np.arange(288)
    np.testing.assert_allclose(cache.grids[P], (times - T0.timestamp()) / 60 + 2.0)


async def test_what_came_late_is_read_within_hours() -> None:
    source = Source()
    cache = GridCache(source, [P], step_s=300.0, span_s=86_400.0)
    source.missing = range(2700, 2880)
    await cache.refresh(T0 + timedelta(days=2, minutes=3))
    assert np.isnan(cache.grids[P][-30:]).all()
    source.missing = range(0)
    for k in range(1, 74):
        await cache.refresh(T0 + timedelta(days=2, minutes=3 + 5 * k))
    assert np.isfinite(cache.grids[P]).all()


async def test_a_long_absence_starts_anew() -> None:
    source = Source()
    cache = GridCache(source, [P], step_s=300.0, span_s=86_400.0)
    await cache.refresh(T0 + timedelta(days=2))
    await cache.refresh(T0 + timedelta(days=9))
    assert np.isfinite(cache.grids[P]).all()


async def test_a_history_that_is_still_loading_is_read_again() -> None:
    source = Source()
    cache = GridCache(source, [P], step_s=300.0, span_s=86_400.0)
    source.missing = range(1400, 2400)
    await cache.refresh(T0 + timedelta(days=2, minutes=3))
    source.missing = range(0)
    await cache.refresh(T0 + timedelta(days=2, minutes=13))
    assert not np.isfinite(cache.grids[P]).all()
    await cache.refresh(T0 + timedelta(days=2, minutes=43))
    assert np.isfinite(cache.grids[P]).all()


@pytest.mark.parametrize(
    ("periods_s", "step_s"), [((), 300), ((60, 300), 300), ((60, 600), 900), ((900, 1800), 1800), ((60, 86400), 3600)]
)
def test_each_point_says_something_in_every_bucket(periods_s: tuple[int, ...], step_s: int) -> None:
    assert grid_step_s(periods_s) == step_s
