"""What is left out is within its deadband, never a counter, and never for longer than the heartbeat."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError
from edge.device_settings import ReportSettings
from edge.reporting import Reporter
from protocols.modbus.profile import load_model

MODEL = load_model("generic_flowmeter")
FLOW = "flow_m3h"


def reporter(**settings: Any) -> Reporter:
    return Reporter(MODEL, ReportSettings(**settings))


def test_absolute() -> None:
    report = reporter(deadband=((FLOW, 1.0),), heartbeat_s=60)
    got = [report.due(FLOW, v, t) for t, v in enumerate([10.0, 10.9, 11.0, 11.01, 11.9, 10.0])]
    assert got == [True, False, False, True, False, True]


def test_a_creeping_value_is_measured_against_what_was_reported() -> None:
    report = reporter(deadband=((FLOW, 1.0),), heartbeat_s=1e6)
    assert sum(report.due(FLOW, i * 0.1, float(i)) for i in range(101)) >= 10


def test_percent_or_absolute_whichever_is_passed_first() -> None:
    report = reporter(deadband_pct=((FLOW, 10),))
    assert [report.due(FLOW, v, 0.0) for v in (100.0, 109.0, 111.0, 0.0, 0.001)] == [True, False, True, True, True]
    both = reporter(deadband=((FLOW, 50.0),), deadband_pct=((FLOW, 10),))
    assert [both.due(FLOW, v, 0.0) for v in (100.0, 109.0, 111.0)] == [True, False, True]


def test_heartbeat_and_a_clock_set_back() -> None:
    report = reporter(deadband=((FLOW, 1.0),), heartbeat_s=60)
    assert [report.due(FLOW, 5.0, t) for t in (0.0, 59.9, 60.0, 119.0, 120.0, 10.0)] == [True, False, True, False, True, True]


def test_a_value_that_goes_and_comes_is_always_told() -> None:
    report = reporter(deadband=((FLOW, 1e9),))
    assert [report.due(FLOW, v, 0.0) for v in (1.0, None, None, 1.0)] == [True, True, False, True]


def test_counters_and_fields_without_a_deadband_are_all_told() -> None:
    report = reporter(deadband=((FLOW, 1e9),))
    assert all(report.due("volume_m3", 7.0, 0.0) for _ in range(5))
    assert all(Reporter(MODEL, None).due(FLOW, 7.0, 0.0) for _ in range(5))
    for key in ("deadband", "deadband_pct"):
        with pytest.raises(ConfigurationError, match="every reading of a counter is kept"):
            reporter(**{key: (("volume_m3", 1.0),)})
    with pytest.raises(ConfigurationError, match="a field of the model"):
        reporter(deadband=(("flow", 1.0),))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 100))
def test_what_the_centre_believes_is_never_off_by_more_than_the_deadband(values: list[float], band: float) -> None:
    report, believed = reporter(deadband=((FLOW, band),), heartbeat_s=1e9), 0.0
    for i, value in enumerate(values):
        if report.due(FLOW, value, float(i)):
            believed = value
        assert abs(believed - value) <= band
