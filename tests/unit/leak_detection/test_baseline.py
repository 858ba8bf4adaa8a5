from __future__ import annotations

from datetime import date

import numpy as np

from domain.calendar import Calendar, DayClass
from leak_detection.baseline import SLOTS, day_table, held_out_residuals, learn_baseline, spread_by_slot
from tests.support.toy_zone import CALENDAR, ToyTown, pattern

MONDAY = date(2026, 4, 6).toordinal()
SHAPE = 50.0 + 40.0 * np.sin(np.arange(SLOTS) / SLOTS * 2 * np.pi)


def days(n: int) -> np.ndarray:
    return MONDAY + np.arange(n)


def test_the_median_day_survives_a_wild_day_and_day_factors() -> None:
    table = np.array([SHAPE * f for f in (0.95, 1.0, 1.05, 1.0, 0.97, 1.02, 1.0, 0.98, 1.03)])
    table[3] *= 3.0
    baseline = learn_baseline(table, days(9), CALENDAR)
    np.testing.assert_allclose(baseline.profile, SHAPE, rtol=0.03)


def test_fridays_have_their_own_shape_and_an_unseen_kind_borrows_one() -> None:
    table = np.array([SHAPE] * 14)
    friday = [i for i in range(14) if i % 7 == 4]
    noon = slice(46, 56)
    table[friday, noon] *= 1.5
    baseline = learn_baseline(table, days(14), CALENDAR)
    minute = np.array([51 * 15.0])
    seen = {k: baseline.expected(np.array([MONDAY + k]), minute, CALENDAR)[0] for k in (0, 4)}
    assert seen[4] > 1.2 * seen[0]
    holiday = Calendar(holidays=frozenset({date(2026, 4, 21)}))
    on_holiday = baseline.expected(np.array([date(2026, 4, 21).toordinal()]), minute, holiday)[0]
    assert np.isclose(on_holiday, baseline.expected(np.array([MONDAY + 5]), minute, CALENDAR)[0])


def test_ramadan_is_known_only_when_it_was_seen() -> None:
    calendar = Calendar(ramadan=((date(2026, 4, 20), date(2026, 5, 19)),))
    baseline = learn_baseline(np.array([SHAPE] * 14), days(14), calendar)
    assert baseline.knows(date(2026, 4, 19), calendar)
    assert not baseline.knows(date(2026, 4, 20), calendar)
    fasting = learn_baseline(np.array([SHAPE] * 5), date(2026, 4, 20).toordinal() + np.arange(5), calendar)
    assert DayClass.RAMADAN in fasting.ratios
    assert fasting.knows(date(2026, 4, 27), calendar)
    assert not fasting.knows(date(2026, 5, 25), calendar)


def test_nothing_known_is_nothing_expected() -> None:
    baseline = learn_baseline(np.full((0, SLOTS), np.nan), days(0), CALENDAR)
    assert np.isnan(baseline.expected(np.array([MONDAY]), np.array([60.0]), CALENDAR)).all()


def test_held_out_residuals_do_not_know_their_own_day() -> None:
    table = np.array([SHAPE] * 7)
    table[3] += 20.0
    day, minute = np.repeat(days(7), SLOTS), np.tile(np.arange(SLOTS) * 15.0, 7)
    residual = held_out_residuals(table.ravel(), day, minute, table, days(7), CALENDAR)
    assert np.median(residual[day == MONDAY + 3]) > 15.0
    assert abs(np.median(residual[day == MONDAY + 1])) < 1.0


def test_the_spread_follows_the_hour() -> None:
    town = ToyTown(seed=3)
    wobble = np.random.default_rng(0).normal(0, 0.05, town.size) * 60 * pattern(town.seconds, CALENDAR.zone)
    minute = (town.seconds / 60.0) % 1440
    spread = spread_by_slot(wobble, minute, np.full(SLOTS, 0.01))
    assert spread[np.arange(28, 36)].mean() > 2.0 * spread[np.arange(8, 14)].mean()


def test_a_day_table_averages_quarters() -> None:
    table, found = day_table(np.array([1.0, 3.0, np.nan, 5.0]), np.array([7, 7, 7, 8]), np.array([0.0, 14.9, 15.0, 1439.0]))
    assert found.tolist() == [7, 8]
    assert table[0, 0] == 2.0
    assert np.isnan(table[0, 1])
    assert table[1, 95] == 5.0
