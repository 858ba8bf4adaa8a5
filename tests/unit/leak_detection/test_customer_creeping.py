"""A flow that creeps up is higher day by day, by no leap, and beyond all that lasted before."""

import numpy as np
import pytest

from leak_detection.customer_creeping import creeping
from leak_detection.customer_settings import CustomerSettings

WIDENS = (17.0, 13.0, 9.0, 6.0, 4.0)


def _creeps(days, level=0.0, shortest=0.0):
    one = np.array([level]), np.array([shortest])
    return bool(creeping(np.array([days], dtype=float), *one, CustomerSettings())[0])


@pytest.mark.parametrize("days", [WIDENS, (7.8, 6.7, 5.0, 5.0, 3.3), (20.0, 15.5, 16.5, 12.0, 8.0)])
def test_floors_that_grow_from_day_to_day_creep_up(days):
    assert _creeps(days)


@pytest.mark.parametrize(
    ("what", "days"),
    [
        ("a day far below the one before", (14.0, 10.2, 6.5, 8.1, 4.3)),
        ("a leap", (17.0, 16.0, 5.0, 4.5, 4.0)),
        ("less than twice the oldest", (7.6, 7.0, 6.0, 5.0, 4.0)),
        ("many times next to nothing", (2.8, 2.2, 1.6, 1.0, 0.4)),
        ("one floor", (9.0, 9.0, 9.0, 9.0, 9.0)),
        ("it goes down", (4.0, 6.0, 9.0, 13.0, 17.0)),
        ("a day that is not known", (17.0, 13.0, np.nan, 6.0, 4.0)),
    ],
)
def test_what_does_not_grow_evenly_or_far_does_not_creep(what, days):
    assert not _creeps(days), what


def test_it_creeps_beyond_what_lasted_before():
    """The oldest day beyond what lasted five days, the newest beyond what lasted a day and a half."""
    assert _creeps(WIDENS, level=3.9, shortest=16.9)
    assert not _creeps(WIDENS, level=4.0, shortest=16.9)
    assert not _creeps(WIDENS, level=3.9, shortest=17.0)


def test_each_meter_is_judged_alone():
    days = np.array([WIDENS, WIDENS[::-1], WIDENS])
    assert creeping(days, np.zeros(3), np.array([0.0, 0.0, np.inf]), CustomerSettings()).tolist() == [True, False, False]
