"""A leak beside a pressure valve that wanders is placed where it is, and a place is not called sure that is not."""

from dataclasses import replace

import numpy as np
import pytest

from leak_detection.model.places import _weighed, locate, whitened
from leak_detection.model.signatures import SignatureSet, of_gauges, with_balance

_PLACES, _GAUGES = 12, 8
_SETTING_M = 0.08


@pytest.fixture(name="street", scope="module")
def _street():
    """Places 100 m apart along a street whose gauges fall with nearness; a valve feeds one end of it."""
    place, gauge = np.arange(_PLACES)[:, None], np.linspace(0, _PLACES - 1, _GAUGES)[None, :]
    signature = -(0.004 + 0.01 * np.exp(-np.abs(place - gauge) / 3.0))
    return SignatureSet(
        sizes_m3h=np.array([1.0, 10.0]),
        change_m=np.stack([signature, signature]),
        spread_m=np.zeros((_PLACES, _GAUGES, _GAUGES)),
        distance_m=100.0 * np.abs(place - place.T),
        metered=np.zeros(_PLACES, dtype=bool),
        wander_m=np.exp(-gauge / 4.0),
    )


def test_a_leak_beside_a_valve_that_wanders_is_placed_where_it_is(street):
    quiet = 0.003**2 * np.eye(_GAUGES)
    change = 5.0 * street.change_m[0, 9] - _SETTING_M * street.wander_m[0]
    found = locate(change, quiet, street)
    assert street.distance_m[found.index, 9] <= 100.0
    assert found.flow_m3h == pytest.approx(5.0, rel=0.3)
    deceived = locate(change, quiet, replace(street, wander_m=None))
    assert street.distance_m[deceived.index, 9] > 300.0
    assert deceived.near > 0.9


def test_a_valve_alone_is_no_sure_place(street):
    quiet = 0.003**2 * np.eye(_GAUGES)
    turned = -_SETTING_M * street.wander_m[0]
    assert locate(turned, quiet, street).fit < 0.5 < locate(turned, quiet, replace(street, wander_m=None)).fit


def test_a_balance_knows_nothing_of_valves_and_a_gauge_left_out_takes_its_part_along(street):
    whole = with_balance(street, np.arange(_PLACES) < 3)
    assert whole.wander_m is not None
    assert whole.wander_m[:, -1] == pytest.approx(0.0)
    assert whole.wander_m[:, :-1] == pytest.approx(street.wander_m)
    seen = np.arange(_GAUGES) != 2
    assert of_gauges(street, seen).wander_m == pytest.approx(street.wander_m[:, seen])
    unknown = replace(street, wander_m=None)
    assert with_balance(unknown, np.arange(_PLACES) < 3).wander_m is None
    assert of_gauges(unknown, seen).wander_m is None


def test_what_fits_nowhere_makes_a_place_less_sure_by_students_law(street):
    quiet, odd = 0.002**2 * np.eye(_GAUGES), 0.01 * np.array([1.0, -1.0] * (_GAUGES // 2))
    plain = replace(street, wander_m=None)
    change = 2.0 * street.change_m[0, 6]
    normal, student = (locate(change + odd, quiet, plain, freedom=freedom) for freedom in (None, 10.0))
    assert student.ranked[0][1] < 0.8 * normal.ranked[0][1]
    assert street.distance_m[student.index, 6] <= 100.0


@pytest.mark.parametrize("seed", range(3))
def test_with_boundless_freedom_students_law_is_the_normal_one(street, seed):
    change = 4.0 * street.change_m[0, 5] + np.random.default_rng(seed).normal(0, 0.002, _GAUGES)
    quiet = 0.002**2 * np.eye(_GAUGES)
    normal, student = locate(change, quiet, street), locate(change, quiet, street, freedom=1e9)
    assert student.index == normal.index
    assert student.near == pytest.approx(normal.near, abs=1e-5)


def test_a_change_that_no_leak_makes_is_as_likely_anywhere(street):
    nowhere = locate(-4.0 * street.change_m[0, 5], 0.002**2 * np.eye(_GAUGES), replace(street, wander_m=None))
    assert [share for _, share in nowhere.ranked] == pytest.approx([1.0 / _PLACES] * 10)
    assert nowhere.flow_m3h < 0.1


def test_what_is_weighed_with_the_error_is_as_if_each_place_were_solved_alone():
    rng = np.random.default_rng(3)
    roots = rng.normal(size=(5, _GAUGES, 2 * _GAUGES))
    error, covariance = roots @ roots.transpose(0, 2, 1), np.diag(rng.uniform(0.5, 2.0, _GAUGES))
    signature, change = rng.normal(size=(5, _GAUGES)), 1e3 * rng.normal(size=_GAUGES)
    found = np.stack(_weighed(error, covariance, signature, change), axis=1)
    for one, s, row in zip(error + covariance, signature, found, strict=True):
        s_over, x_over = np.linalg.solve(one, s), np.linalg.solve(one, change)
        assert row == pytest.approx([s @ s_over, s @ x_over, change @ x_over, np.linalg.slogdet(one)[1]], rel=1e-9)


def test_products_of_whitened_rows_are_those_over_the_inverse():
    rng = np.random.default_rng(9)
    root, rows = rng.normal(0.0, 0.1, (6, 6)), rng.normal(0.0, 0.05, (3, 6))
    covariance = root @ root.T + 1e-4 * np.eye(6)
    white = whitened(covariance, rows)
    assert white @ white.T == pytest.approx(rows @ np.linalg.inv(covariance) @ rows.T)
