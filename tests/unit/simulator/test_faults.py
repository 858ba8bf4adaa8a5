from datetime import UTC, datetime, timedelta

import pytest

from simulator.faults import Burst, SensorDrift

START = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)


def test_a_burst_is_there_from_its_start_to_its_end():
    burst = Burst(start=START, end=START + timedelta(hours=1), zone="z", node="n", flow_m3h=16, reference_m=40)
    assert burst.flow_at(START - timedelta(seconds=1), 40) == 0
    assert burst.flow_at(START, 40) == 16
    assert burst.flow_at(START + timedelta(hours=1), 40) == 0


def test_a_burst_follows_the_orifice_law():
    burst = Burst(start=START, zone="z", node="n", flow_m3h=16, reference_m=40)
    assert burst.flow_at(START, 10) == pytest.approx(8)
    assert burst.flow_at(START, -3) == 0


def test_a_creeping_leak_grows_in_a_straight_line_and_then_stays():
    leak = Burst(start=START, zone="z", node="n", flow_m3h=12, reference_m=40, growth_h=24)
    assert leak.flow_at(START + timedelta(hours=6), 40) == pytest.approx(3)
    assert leak.flow_at(START + timedelta(hours=90), 40) == pytest.approx(12)


def test_a_drift_grows_by_the_hour_while_it_is_there():
    drift = SensorDrift(start=START, end=START + timedelta(hours=3), points=("p",), per_hour=-0.5)
    assert drift.offset(START + timedelta(hours=2)) == pytest.approx(-1.0)
    assert drift.offset(START + timedelta(hours=4)) == 0
