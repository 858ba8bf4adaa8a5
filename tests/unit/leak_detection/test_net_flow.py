from __future__ import annotations

import numpy as np
import pytest

from domain.points import PointKey
from domain.zones import Inlet, Zone, ZoneKind
from leak_detection.net_flow import frozen, net_inflow, without_frozen

A, B = PointKey("a"), PointKey("b")
ZONE = Zone(key="z", kind=ZoneKind.DMA, names={}, inlets=(Inlet(point=A, sign=1), Inlet(point=B, sign=-1)))


def test_what_leaves_into_a_cascaded_zone_is_subtracted_and_a_hole_stays_a_hole() -> None:
    flows = {A: np.array([10.0, 11.0, np.nan, 13.0]), B: np.array([4.0, np.nan, 5.0, 6.0])}
    np.testing.assert_array_equal(net_inflow(ZONE, flows), [6.0, np.nan, np.nan, 7.0])


def test_a_zone_without_inlets_is_said_so() -> None:
    with pytest.raises(ValueError, match="no inlet"):
        net_inflow(Zone(key="z", kind=ZoneKind.DMA, names={}), {})


def test_a_value_that_stands_still_is_no_measurement() -> None:
    values = np.array([5.0, 5.1, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.2, 7.3])
    assert frozen(values).tolist() == [False, False, *[True] * 6, False, False]
    assert np.isnan(without_frozen(values)[2:8]).all()


def test_five_equal_values_and_a_standing_zero_are_believed() -> None:
    assert not frozen(np.array([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0])).any()
    assert not frozen(np.zeros(20)).any()


def test_a_run_at_the_end_is_seen_at_once() -> None:
    assert frozen(np.array([1.0, *[2.0] * 6]))[-1]
