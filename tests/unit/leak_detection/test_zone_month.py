"""A month with known leakage comes back, from above and from below; what cannot be said is not said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from domain.zones import Zone, ZoneKind
from leak_detection.night_flow import Nights
from leak_detection.zone_month import ZoneHours, hour_day_factor, zone_month

DAYS, LEAK = 30, 6.0
_HOUR = np.arange(24 * DAYS)
USE = 10 + 8 * np.sin(2 * np.pi * (_HOUR % 24 - 8) / 24)
ZONE = Zone(key="z", kind=ZoneKind.DMA, names={}, connections=1000, population=5000, mains_km=12.0, night_use_m3h=2.0)
NIGHTS = Nights(
    day=np.arange(DAYS),
    flow_m3h=np.full(DAYS, LEAK + 2.0) + 0.2 * np.sin(np.arange(DAYS)),
    end_s=np.arange(DAYS, dtype=np.float64) * 86400.0,
)
HOURS = ZoneHours(
    inflow_m3h=USE + LEAK + 4.0,
    outflow_m3h=np.full(_HOUR.size, 4.0),
    meters_m3h=0.5 * USE,
    meters=500,
    pressure_m=np.full(_HOUR.size, 40.0),
)


def test_losses_come_back_from_above_and_from_below() -> None:
    month = zone_month(ZONE, HOURS, NIGHTS)
    assert month.balance is not None
    real = month.balance.real_losses
    assert abs(real.m3 - LEAK * 24 * DAYS) < real.band_m3
    assert real.m3 == pytest.approx(LEAK * 24 * DAYS, rel=0.01)
    assert month.balance.system_input.m3 == pytest.approx((10 + LEAK) * 24 * DAYS, rel=0.01)
    assert month.night_loss_m3_day is not None
    assert month.night_loss_m3_day.m3 == pytest.approx(LEAK * 24, rel=0.05)
    # (18 × 12 + 0.8 × 1000) × 40 litres a day
    assert month.uarl_m3_day == pytest.approx(40.64)
    assert month.ili is not None
    assert month.ili[0] == pytest.approx(LEAK * 24 / 40.64, rel=0.05)
    assert month.notes == ()


def test_gaps_are_filled_and_said() -> None:
    inflow = HOURS.inflow_m3h.copy()
    inflow[:72] = np.nan
    month = zone_month(ZONE, replace(HOURS, inflow_m3h=inflow), NIGHTS)
    assert month.balance is not None
    assert month.balance.real_losses.m3 == pytest.approx(LEAK * 24 * DAYS, rel=0.05)
    assert "10%" in month.notes[0]


@pytest.mark.parametrize(("meters", "connections"), [(0, 1000), (100, 1000), (500, 0)])
def test_with_few_meters_or_unknown_connections_only_the_nights_speak(meters: int, connections: int) -> None:
    month = zone_month(replace(ZONE, connections=connections), replace(HOURS, meters=meters), NIGHTS)
    assert month.balance is None
    assert month.night_loss_m3_day is not None
    assert month.notes


def test_an_empty_month_says_nothing_and_does_not_fail() -> None:
    none = np.full(_HOUR.size, np.nan)
    empty = ZoneHours(inflow_m3h=none, outflow_m3h=none, meters_m3h=none, meters=0, pressure_m=none)
    month = zone_month(ZONE, empty, Nights(day=np.zeros(0, dtype=np.int64), flow_m3h=np.zeros(0), end_s=np.zeros(0)))
    assert (month.balance, month.night_loss_m3_day, month.uarl_m3_day, month.ili) == (None, None, None, None)
    assert month.recoverable_m3_day is None


def test_lower_pressure_by_day_makes_fewer_than_24_hours_of_night_leakage() -> None:
    assert hour_day_factor(np.full(48, 40.0)) == pytest.approx(24.0)
    by_day = np.tile(np.where(np.arange(24) < 6, 40.0, 30.0), 5)
    assert hour_day_factor(by_day) == pytest.approx(6 + 18 * 0.75)
    assert hour_day_factor(np.full(48, np.nan)) == 24.0
