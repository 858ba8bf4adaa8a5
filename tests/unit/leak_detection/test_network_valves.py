"""Turned valves by name: a change that the copy cannot measure is told without size, and nothing before the opening."""

from datetime import UTC, datetime, timedelta

import pytest

from leak_detection.model.valve_turns import SettingTurned
from leak_detection.network_valves import PressureValve, valves_turned

_START = datetime(2026, 1, 1, tzinfo=UTC)
_VALVES = (PressureValve(name="PRV-1", bend=0.02), PressureValve(name="PRV-2", bend=0.4), PressureValve(name="PRV-3", bend=0.2))


def _turned(valve, day=70):
    return SettingTurned(valve=valve, day=day, told_day=day + 2, change_m=-2.0, error_m=0.15, share=0.99)


def _told(*turned):
    return valves_turned(turned, _VALVES, 56, _START.timestamp())


def test_each_has_its_name_its_day_and_what_it_was_told_with():
    first, third = _told(_turned(0), _turned(2, day=20))
    assert (first.valve, first.day, first.told_at) == ("PRV-1", _START + timedelta(days=70), _START + timedelta(days=72))
    assert (first.change_m, first.share, first.ordered) == (-2.0, 0.99, None)
    assert first.error_m == pytest.approx((0.15**2 + 0.3**2) ** 0.5), "0.15 of the change beside the noise of the gauges"
    assert third.told_at == _START + timedelta(days=56), "nothing is told before the layer opens"
    assert third.error_m == pytest.approx((0.15**2 + 0.4**2) ** 0.5)


def test_of_a_valve_whose_effect_is_no_straight_line_neither_size_nor_way_is_told():
    (second,) = _told(_turned(1))
    assert (second.valve, second.change_m, second.error_m) == ("PRV-2", None, None)
