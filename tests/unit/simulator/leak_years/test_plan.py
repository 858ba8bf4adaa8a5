"""A recording of any length has its two parts on the two sides of a New Year."""

from __future__ import annotations

import pytest

from domain.errors import ConfigurationError
from simulator.leak_years.plan import YearsPlan


def test_two_years_begin_with_the_first():
    plan = YearsPlan()
    assert str(plan.start) == "2018-01-01 00:00:00"
    assert plan.rows == 210240
    assert str(plan.moment(plan.split_row)) == "2019-01-01 00:00:00"


def test_a_shorter_one_has_its_parts_in_the_same_years():
    plan = YearsPlan(days=100, step_s=3600)
    assert str(plan.start) == "2018-11-12 00:00:00"
    assert str(plan.moment(plan.split_row)) == "2019-01-01 00:00:00"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"days": 59}, "days"),
        ({"days": 731}, "days"),
        ({"step_s": 420}, "--step"),
        ({"leaks": (5, 4)}, "--leaks"),
        ({"leak_m3h": 0}, "--leak-m3h"),
    ],
)
def test_what_cannot_be_is_named(wrong: dict[str, int], named: str):
    with pytest.raises(ConfigurationError, match=named):
        YearsPlan(**wrong)  # type: ignore[arg-type]  # wrong on purpose
