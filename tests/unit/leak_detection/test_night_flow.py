from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from domain.calendar import Calendar
from domain.series import local_days_and_minutes
from domain.zones import Zone, ZoneKind
from leak_detection.night_flow import Nights, lawful_night_use, learn_band, minimum_night_flows

CASABLANCA = Calendar(timezone="Africa/Casablanca")


def nights(start: datetime, hours: float, flow: object, step_s: float = 300.0, calendar: Calendar = CASABLANCA) -> Nights:
    seconds = start.timestamp() + step_s * np.arange(round(hours * 3600 / step_s), dtype=np.float64)
    day, minute = local_days_and_minutes(seconds, calendar.zone)
    values = flow(minute) if callable(flow) else np.asarray(flow)
    return minimum_night_flows(values, day, minute, start_s=seconds[0], step_s=step_s, complete_until_s=seconds[-1] + step_s)


def dip_at(hour: float, width_min: float = 90.0):
    return lambda minute: np.where(np.abs(minute - hour * 60) <= width_min / 2, 5.0, 30.0)


def test_the_least_hour_between_two_and_five_local_time() -> None:
    found = nights(datetime(2026, 4, 5, 23, 0, tzinfo=UTC), 24, dip_at(3.5))
    assert found.flow_m3h.tolist() == [5.0]
    assert date.fromordinal(int(found.day[0])) == date(2026, 4, 6)


def test_a_dip_outside_the_night_is_no_night_flow() -> None:
    assert nights(datetime(2026, 4, 5, 23, 0, tzinfo=UTC), 24, dip_at(5.9)).flow_m3h.tolist() == [30.0]


def test_the_night_moves_with_the_clock_in_ramadan() -> None:
    # Casablanca is at UTC+1, and at UTC+0 around Ramadan (2026-02-15 to 03-22).
    for start in (datetime(2026, 2, 10, tzinfo=UTC), datetime(2026, 2, 20, tzinfo=UTC)):
        assert nights(start, 24, dip_at(3.5)).flow_m3h.tolist() == [5.0]


def test_an_unfinished_night_is_not_judged_and_a_hole_in_it_gives_none() -> None:
    assert nights(datetime(2026, 4, 5, 23, 0, tzinfo=UTC), 4.5, dip_at(3.5)).day.size == 0
    assert nights(datetime(2026, 4, 5, 23, 0, tzinfo=UTC), 24, lambda m: np.where((m > 100) & (m < 310), np.nan, 9.0)).day.size == 0


def test_hourly_readings_have_nights_too() -> None:
    found = nights(datetime(2026, 4, 5, 23, 0, tzinfo=UTC), 72, lambda m: np.where(m == 180.0, 4.0, 9.0), step_s=3600.0)
    assert found.flow_m3h.tolist() == [4.0, 4.0, 4.0]


def test_lawful_use_is_given_or_the_standard_allowance() -> None:
    zone = Zone(key="z", kind=ZoneKind.DMA, names={}, population=10_000)
    assert lawful_night_use(zone) == pytest.approx(6.0)
    assert lawful_night_use(Zone(key="z", kind=ZoneKind.DMA, names={}, population=10_000, night_use_m3h=8.5)) == 8.5


def some(values: list[float], first: date = date(2026, 4, 6)) -> Nights:
    day = first.toordinal() + np.arange(len(values))
    return Nights(day=day, flow_m3h=np.array(values), end_s=np.zeros(len(values)))


def test_the_band_is_robust_and_has_a_floor() -> None:
    band = learn_band(some([20.0, 20.1, 19.9, 20.0, 45.0, 20.2, 19.8]), date(2026, 4, 20), CASABLANCA)
    assert band is not None
    assert band.median_m3h == pytest.approx(20.0)
    assert band.high_m3h == pytest.approx(20.0 + 4 * 0.05 * 20.0)


def test_ramadan_nights_are_only_held_against_ramadan_nights() -> None:
    calendar = Calendar(ramadan=((date(2026, 4, 20), date(2026, 5, 19)),))
    assert learn_band(some([20.0] * 10), date(2026, 4, 22), calendar) is None
    assert learn_band(some([30.0] * 5, date(2026, 4, 20)), date(2026, 4, 26), calendar) is not None


def test_what_a_gap_has_left_of_a_night_is_no_night() -> None:
    hours = np.arange(5 * 24, dtype=np.float64)
    flow = np.where(hours % 24 == 4, 9.0, 5.0)
    day, minute = (hours // 24).astype(np.int64), hours % 24 * 60
    whole = minimum_night_flows(flow, day, minute, start_s=0.0, step_s=3600.0, complete_until_s=5e5)
    assert whole.flow_m3h.tolist() == [5.0] * 5
    flow[24 * 2 - 8 : 24 * 2 + 4] = np.nan
    broken = minimum_night_flows(flow, day, minute, start_s=0.0, step_s=3600.0, complete_until_s=5e5)
    assert broken.day.tolist() == [0, 1, 3, 4]
