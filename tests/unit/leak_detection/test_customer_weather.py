"""Flow that rises and falls with that of several other meters is the weather's; a leak is alone."""

import numpy as np
import pytest

from leak_detection.customer_settings import CustomerSettings
from leak_detection.customer_weather import goes_with_others, mean_of_days

DAYS, METERS = 28, 60
COOLERS = 8
SETTINGS = CustomerSettings()


def _town(coolers=COOLERS, meters=METERS):
    """Days of meters of which the first cool by one weather, each by its own size and noise."""
    rng = np.random.default_rng(5)
    heat = np.maximum(0.0, np.linspace(-4, 8, DAYS) + 3 * np.sin(np.arange(DAYS) / 1.7))
    days = rng.gamma(2, 2, (meters, DAYS))
    days[:coolers] = heat * rng.uniform(3, 40, (coolers, 1)) * rng.normal(1, 0.05, (coolers, DAYS))
    return days


def _said(days, *rows, settings=SETTINGS):
    return goes_with_others(days, np.array(rows, dtype=np.int64), settings).tolist()


def test_cooling_of_several_is_known_by_each_other_and_a_home_is_not():
    assert _said(_town(), 0, 3, 7, 8, 30) == [True, True, True, False, False]


def test_a_leak_is_alone_though_others_cool_in_the_same_days():
    days = _town()
    days[20, -3:] += 40.0
    days[21] += 5.0 * np.maximum(0, np.arange(DAYS) - 14)
    assert _said(days, 20, 21) == [False, False]


def test_a_leak_that_begins_behind_a_cooler_is_told():
    days = _town()
    days[2, -4:] -= 0.5 * days[2].max()  # cooling falls in a cool spell …
    days[2] = np.maximum(days[2], 0.0)
    days[2, -4:] += 3.0 * days[2].max()  # … and a leak does not
    assert _said(days, 2) == [False]


@pytest.mark.parametrize(("coolers", "known"), [(5, False), (6, True)])
def test_five_others_are_wanted(coolers, known):
    assert _said(_town(coolers), 0) == [known]


def test_of_many_meters_more_others_are_wanted_for_some_go_along_by_chance():
    assert _said(_town(8, 400), 0) == [True]
    assert _said(_town(8, 700), 0) == [False]  # 1.5 % are ten


def test_too_few_known_days_say_nothing():
    days = _town()
    days[0, : round(0.35 * DAYS)] = np.nan
    assert _said(days, 0, 1) == [False, True]
    assert _said(np.full((METERS, DAYS), np.nan), 0) == [False]
    assert _said(np.ones((METERS, DAYS)), 0) == [False]
    assert _said(_town()) == []


def test_a_day_is_the_mean_of_what_is_known_of_it():
    looks = np.array([[1.0, 2.0, 3.0, 6.0, np.nan, 4.0, np.nan, 8.0, np.nan, np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(mean_of_days(looks), [[3.0, 6.0, np.nan]])


@pytest.mark.parametrize(
    ("coolers", "asked", "not_asked"), [(62, False, False), (64, False, True), (66, True, True)]
)  # 1.5 % of the 2,100 that are asked are 32; every second cooler is
def test_of_a_large_town_every_second_meter_is_asked_and_none_of_itself(coolers, asked, not_asked):
    assert _said(_town(coolers, 4200), 0, 1) == [asked, not_asked]
