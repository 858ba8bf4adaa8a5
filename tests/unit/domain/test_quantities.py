"""Conversion is exact where it can be, and refuses where it cannot."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import UnitError
from domain.points import Point, PointKey, PointKind, Role
from domain.quantities import UNITS, Quantity, resolution_in_canonical, unit_of


def test_litres_a_second_are_exact_cubic_metres_an_hour() -> None:
    assert resolution_in_canonical(Decimal("0.0001"), unit_of("L/s", Quantity.FLOW)) == Decimal("0.00036")


def test_one_bar_is_ten_point_two_metres() -> None:
    assert unit_of("bar", Quantity.PRESSURE).to_canonical(1.0) == pytest.approx(10.19716, abs=1e-5)


def test_an_unknown_unit_names_the_known_ones() -> None:
    with pytest.raises(UnitError, match="known: m3/h, L/s"):
        unit_of("furlong", Quantity.FLOW)


def test_a_resolution_that_is_no_decimal_is_refused() -> None:
    with pytest.raises(UnitError, match="no finite decimal"):
        resolution_in_canonical(Decimal("0.01"), unit_of("bar", Quantity.PRESSURE))


@given(st.sampled_from(sorted(UNITS, key=str)), st.floats(-1e6, 1e6))
def test_there_and_back(key: tuple[str, Quantity], value: float) -> None:
    unit = UNITS[key]
    assert unit.from_canonical(unit.to_canonical(value)) == pytest.approx(value, abs=1e-6)


@given(st.integers(-(10**12), 10**12), st.sampled_from(["0.01", "0.001", "0.00036", "1"]))
def test_counts_survive_the_way_through_a_float(counts: int, resolution: str) -> None:
    point = Point(
        key=PointKey("p"), quantity=Quantity.FLOW, kind=PointKind.INSTANT, role=Role.OTHER, resolution=Decimal(resolution)
    )
    assert point.counts(point.value(counts)) == counts
