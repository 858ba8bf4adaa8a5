"""What is learned step by step: flow, losses, pumps; and what does not teach."""

from __future__ import annotations

import math

import numpy as np
import pytest

from domain.points import PointKey
from pressure_control.learner import ZoneLearner, tank_turned
from pressure_control.observations import Window
from pressure_control.recursive_loss import RecursiveLoss
from pressure_control.surge import surge

STEP_S = 300.0
DAY = 288
POINT = PointKey("zone.cp1")


def town(days: int, seed: int = 1) -> Window:
    """A zone with two peaks a day; its loss is 5 m + 4 X at the flow then."""
    rng = np.random.default_rng(seed)
    size = days * DAY
    minute = np.arange(size, dtype=np.float64) * 5.0 % 1440.0
    shape = 60.0 + 40.0 * np.exp(-(((minute - 480.0) / 120.0) ** 2)) + 30.0 * np.exp(-(((minute - 1170.0) / 120.0) ** 2))
    flow = shape * np.exp(rng.normal(0.0, 0.02, size))
    outlet = np.full(size, 40.0)
    critical = outlet - 5.0 - 4.0 * (flow / 80.0) ** 1.85 + rng.normal(0.0, 0.1, size)
    return Window(
        start_s=0.0,
        step_s=STEP_S,
        minute=minute,
        flow_m3h=flow,
        outlet_m=outlet,
        inlet_m=np.full(size, 60.0),
        setpoint_m=outlet,
        watched_m={POINT: critical},
    )


@pytest.fixture(scope="module")
def taught() -> tuple[ZoneLearner, Window]:
    window, learner = town(5), ZoneLearner(STEP_S)
    learner.advance(window)
    return learner, window


def test_the_loss_is_learned_with_its_doubt(taught: tuple[ZoneLearner, Window]) -> None:
    learner, _ = taught
    loss = learner.loss(POINT)
    assert loss is not None
    for flow in (60.0, 80.0, 100.0):
        x = learner.x(np.array([flow]))
        expected = 5.0 + 4.0 * (flow / 80.0) ** 1.85
        assert float(loss.at(x, np.array([600.0]))[0]) == pytest.approx(expected, abs=0.25)
        assert 0.1 < loss.sd(float(x[0])) < 0.6


def test_the_margin_covers_all_but_few_of_the_coming_errors(taught: tuple[ZoneLearner, Window]) -> None:
    learner, _ = taught
    loss, new = learner.losses[POINT], town(6, seed=2)
    over = 0
    for k in range(DAY, new.size - 1):
        ahead = learner.flow.ahead(new.flow_m3h[k - 40 : k], new.minute[k - 40 : k], 1) if k % 7 == 0 else None
        if ahead is None:
            continue
        x = learner.x(ahead)
        limit = float(loss.at(x, new.minute[k : k + 1])[0]) + loss.margin(float(x[0]), 0.997, 0.0)
        over += bool(40.0 - new.watched_m[POINT][k] > limit)
    assert over <= 4


def test_the_flow_is_forecast_better_than_by_what_flows_now(taught: tuple[ZoneLearner, Window]) -> None:
    learner, window = taught
    mine, naive = [], []
    for k in range(3 * DAY, 5 * DAY - 3, 5):
        ahead = learner.flow.ahead(window.flow_m3h[k - 40 : k], window.minute[k - 40 : k], 3)
        mine.append(abs(ahead[2] - window.flow_m3h[k + 2]))
        naive.append(abs(window.flow_m3h[k - 1] - window.flow_m3h[k + 2]))
    assert np.mean(mine) < 0.8 * np.mean(naive)


def test_learning_in_pieces_is_learning_at_once(taught: tuple[ZoneLearner, Window]) -> None:
    learner, window = taught
    pieces = ZoneLearner(STEP_S)
    for end in range(200, window.size + 1, 100):
        pieces.advance(_part(window, max(0, end - 200), end))
    pieces.advance(_part(window, window.size - 200, window.size))
    assert pieces.until_s == learner.until_s
    assert pieces.losses[POINT].samples == learner.losses[POINT].samples
    one = np.array([1.0]), np.array([300.0])
    assert pieces.losses[POINT].at(*one) == pytest.approx(learner.losses[POINT].at(*one))


def _part(window: Window, first: int, end: int) -> Window:
    part = slice(first, end)
    return Window(
        start_s=first * STEP_S,
        step_s=STEP_S,
        minute=window.minute[part],
        flow_m3h=window.flow_m3h[part].copy(),
        outlet_m=window.outlet_m[part],
        inlet_m=window.inlet_m[part],
        setpoint_m=window.setpoint_m[part],
        watched_m={POINT: window.watched_m[POINT][part]},
    )


def test_a_sensor_that_suddenly_shows_four_metres_more_teaches_nothing() -> None:
    window, learner = town(5), ZoneLearner(STEP_S)
    window.watched_m[POINT][4 * DAY :] += 4.0
    learner.advance(window)
    loss = learner.losses[POINT]
    assert loss.rejected > 200
    expected = 5.0 + 4.0 * (80.0 / 80.0) ** 1.85
    assert float(loss.at(learner.x(np.array([80.0])), np.array([600.0]))[0]) == pytest.approx(expected, abs=0.3)


def test_a_burst_does_not_teach_until_it_has_lasted() -> None:
    loss = RecursiveLoss()
    rng = np.random.default_rng(3)
    for _ in range(300):
        loss.learn(5.0 + float(rng.normal(0, 0.1)), 1.0, 1.0, 600.0)
    before = float(loss.at(np.array([1.0]), np.array([600.0]))[0])
    for _ in range(20):
        loss.learn(9.0, 1.0, 1.0, 600.0)
    assert float(loss.at(np.array([1.0]), np.array([600.0]))[0]) == before
    for _ in range(300):
        loss.learn(9.0, 1.0, 1.0, 600.0)
    assert float(loss.at(np.array([1.0]), np.array([600.0]))[0]) > before + 1.0


def test_missing_readings_teach_nothing_and_break_nothing() -> None:
    window, learner = town(3), ZoneLearner(STEP_S)
    window.flow_m3h[400:440] = math.nan
    window.watched_m[POINT][500:600] = math.nan
    learner.advance(window)
    assert learner.flow.ready
    assert np.isfinite(learner.flow.ahead(window.flow_m3h[:440], window.minute[:440], 3)).all()


def test_a_jump_is_a_surge_and_a_pump_is_none(taught: tuple[ZoneLearner, Window]) -> None:
    learner, window = taught
    recent = _part(window, window.size - 72, window.size)
    assert surge(learner, recent) is None
    recent.flow_m3h[-1] *= 1.6
    found = surge(learner, recent)
    assert found is not None
    assert found.since_steps == 0
    assert found.jump_m3h > 15.0
    recent.flow_m3h[-3:] = window.flow_m3h[-3:] * 1.6
    levels = np.full(72, 3.0)
    levels[-6:] = (3.05, 3.04, 3.03, 3.02, 3.03, 3.04)
    recent.tank_m["T1"] = levels
    assert tank_turned(levels, 69)
    assert surge(learner, recent) is None


@pytest.mark.parametrize(("turns", "jump_m3h"), [(True, 25.0), (False, 25.0), (True, 3.0)])
def test_a_pump_is_known_from_its_first_start_also_on_the_first_day(turns: bool, jump_m3h: float) -> None:
    window, learner = town(1), ZoneLearner(STEP_S)
    begins = 200
    window.flow_m3h[begins:] += jump_m3h
    fall = 3.0 - 0.01 * np.arange(DAY, dtype=np.float64)
    window.tank_m["T1"] = (
        np.where(np.arange(DAY) <= begins, fall, fall[begins] + 0.01 * (np.arange(DAY) - begins)) if turns else fall
    )
    learner.advance(window)
    assert not learner.flow.ready
    if turns and jump_m3h > 20.0:
        (pump,) = learner.pumps
        assert pump.level_m == pytest.approx(1.0, abs=0.02)
        assert pump.jump_m3h == pytest.approx(jump_m3h, rel=0.3)
    else:
        assert not learner.pumps
