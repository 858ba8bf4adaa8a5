"""A day's moves: spent sparingly, counted from what is seen, and never a reason to leave people without pressure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressure_control.budget import MEAN_SHARE, Budget, Moves, budget, moves_seen
from pressure_control.envelope import Shaped, shape
from pressure_control.settings import ControlSettings
from tests.support.toy_zone import ToyTown

VALVE = replace(ToyTown(days=1).actuator("medina"), min_m=22.0, max_m=60.0, ramp_up_m=2.0, ramp_down_m=1.0)
DAY_S = 86400.0


def shaped(target: float, left: Budget, *, since: float = 900.0) -> Shaped:
    return shape(
        target,
        current_m=40.0,
        actuator=VALVE,
        settings=ControlSettings(),
        outlet_m=40.0,
        follows=True,
        since_move_s=since,
        budget=left,
    )


def steady(per_day: float, days: float = 7.0) -> Moves:
    return Moves(ages_s=tuple((DAY_S / per_day * np.arange(1, round(per_day * days) + 1)).tolist()), known_s=days * DAY_S)


def test_few_moves_cost_nothing_and_many_make_thrifty() -> None:
    thrift = [budget(60, steady(rate)).thrift for rate in (20, 38, 46, 55)]
    assert thrift[0] == thrift[1] == 1.0
    assert 1.0 < thrift[2] < thrift[3]


def test_the_rate_is_that_of_the_last_days() -> None:
    assert steady(48.0).rate(48.0) == pytest.approx(48.0, rel=0.03)
    assert Moves().rate(48.0) < 48.0


def test_a_day_of_rest_does_not_buy_a_day_of_play() -> None:
    busy, idle = steady(60.0, 3.0), Moves(ages_s=tuple(a + DAY_S for a in steady(60.0, 2.0).ages_s), known_s=3 * DAY_S)
    assert 0.5 * busy.rate(48.0) < idle.rate(48.0) < busy.rate(48.0)


def test_used_up_nothing_is_lowered_and_a_raise_still_goes() -> None:
    spent = budget(60, steady(60.5, 2.0))
    assert spent.spent
    assert shaped(30.0, spent).hold
    assert "used up" in " ".join(shaped(30.0, spent).notes)
    assert shaped(44.0, spent).value_m == 42.0
    assert not budget(60, steady(60 * MEAN_SHARE)).spent


def test_thrift_holds_small_steps_for_longer_and_lets_large_ones_go() -> None:
    step = ControlSettings().small_step_m + 0.2
    assert not shaped(40.0 - step, Budget()).hold
    assert shaped(40.0 - step, Budget(thrift=1.5)).hold
    assert not shaped(40.0 - 2 * step, Budget(thrift=1.5)).hold
    rest = ControlSettings().rest_down_s
    assert not shaped(39.4, Budget(), since=1.2 * rest).hold
    assert shaped(39.4, Budget(thrift=1.5), since=1.2 * rest).hold
    assert not shaped(39.4, Budget(thrift=1.5), since=1.6 * rest).hold


@given(target=st.floats(40.2, 80.0), thrift=st.floats(1.0, 8.0), spent=st.booleans())
def test_no_budget_ever_holds_a_raise(target: float, thrift: float, spent: bool) -> None:
    free, scarce = shaped(target, Budget()), shaped(target, Budget(thrift=thrift, spent=spent))
    assert scarce.value_m >= free.value_m
    assert not scarce.hold


def test_moves_are_counted_where_the_setpoint_was_seen_to_change() -> None:
    nan = float("nan")
    setpoint = np.array([nan, 30.0, 30.0, nan, 31.0, 31.02, nan, 29.0])
    seen = moves_seen(setpoint, start_s=1000.0, step_s=300.0, now_s=1000.0 + 8 * 300.0)
    assert seen.ages_s == (4 * 300.0, 300.0)
    assert seen.known_s == 7 * 300.0
    assert moves_seen(np.full(4, nan), start_s=0.0, step_s=300.0, now_s=1200.0) == Moves()
