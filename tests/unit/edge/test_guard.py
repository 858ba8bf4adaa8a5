"""Whatever is asked, no value outside the limits, no step beyond the ramp and no move before its time passes the guard."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.guard import Limits, check_move, misdirected
from tests.support.prv_site import ACTUATOR, START, command

LIMITS = Limits(actuator=ACTUATOR, device_low_m=0.0, device_high_m=55.0, resolution_m=0.01)
pressures = st.one_of(st.floats(), st.floats(0, 80), st.sampled_from([20.0, 55.0, 60.0, 45.0]))


def codes(value_m: float, current_m: float | None, waited_s: float | None = None) -> list[str]:
    moved_at = None if waited_s is None else START - timedelta(seconds=waited_s)
    reasons = check_move(command(1, value_m, START), LIMITS, current_m=current_m, moved_at=moved_at, now=START)
    return [r.code for r in reasons]


@given(pressures, st.one_of(st.none(), st.floats(0, 80)), st.one_of(st.none(), st.floats(0, 1000)))
def test_what_passes_is_within_limits_ramp_and_interval(value_m: float, current_m: float | None, waited_s: float | None) -> None:
    if codes(value_m, current_m, waited_s):
        return
    assert 20.0 <= value_m <= 55.0  # the narrower of site and device
    assert current_m is not None
    step_m = value_m - current_m
    assert -3.0 - 0.0051 <= step_m <= 5.0 + 0.0051
    assert abs(step_m) <= 0.005 or waited_s is None or waited_s >= 300.0 - 1e-6


@given(st.floats(20.0, 55.0))
def test_the_value_that_is_set_can_always_be_renewed(value_m: float) -> None:
    assert codes(value_m, value_m, waited_s=0.0) == []


@pytest.mark.parametrize(
    ("value_m", "current_m", "waited_s", "expected"),
    [
        (45.0, 40.0, None, []),
        (45.02, 40.0, None, ["ramp"]),
        (37.0, 40.0, 300.0, []),
        (36.98, 40.0, 300.0, ["ramp"]),
        (41.0, 40.0, 299.0, ["too_soon"]),
        (56.0, 55.0, None, ["above_limit"]),
        (float("nan"), 40.0, None, ["not_a_number"]),
        (40.0, None, None, ["no_readback"]),
    ],
)
def test_cases(value_m: float, current_m: float | None, waited_s: float | None, expected: list[str]) -> None:
    assert codes(value_m, current_m, waited_s) == expected


def test_a_lease_must_be_above_zero_and_reasons_carry_numbers() -> None:
    order = replace(command(1, 40.0, START), lease_s=0.0)
    (reason,) = check_move(order, LIMITS, current_m=40.0, moved_at=None, now=START)
    assert reason.code == "bad_lease"
    (reason,) = check_move(command(1, 46.0, START), LIMITS, current_m=40.0, moved_at=None, now=START)
    assert "+6 m" in reason.text
    assert "5 m" in reason.text


def test_commands_for_others_are_told_apart() -> None:
    order = command(1, 40.0, START)
    assert misdirected(order, edge="demo/gw", device="prv1") is None
    for edge, device, code in (("demo/other", "prv1", "wrong_gateway"), ("demo/gw", "prv2", "wrong_device")):
        reason = misdirected(order, edge=edge, device=device)
        assert reason is not None
        assert reason.code == code
