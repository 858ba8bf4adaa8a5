"""A draw is believed where flow and a critical pressure both show it."""

from __future__ import annotations

import pytest

from pressure_control.draw import confirmed_draw
from pressure_control.learner import ZoneLearner
from pressure_control.observations import Window
from tests.unit.pressure_control.test_learner import DAY, POINT, STEP_S, town

HOUR = 12


@pytest.fixture(scope="module")
def learner() -> ZoneLearner:
    found = ZoneLearner(STEP_S)
    found.advance(town(5))
    return found


def recent(*, drop_m: float, flow: float, steps: int = 4) -> Window:
    """The newest six hours, with a drop of the critical pressure and a rise of the flow in the last steps."""
    window = town(5).tail(DAY // 4)
    window.watched_m[POINT][-steps:] -= drop_m
    window.flow_m3h[-steps:] *= flow
    return window


def test_both_instruments_show_it(learner: ZoneLearner) -> None:
    found = confirmed_draw(learner, recent(drop_m=5.0, flow=1.1), [POINT])
    assert found is not None
    assert found.point == POINT
    assert found.excess_m == pytest.approx(5.0, abs=1.2)


@pytest.mark.parametrize(("drop_m", "flow"), [(5.0, 0.97), (0.0, 1.1), (0.6, 1.1), (-5.0, 1.1)])
def test_one_alone_or_too_little_is_no_draw(learner: ZoneLearner, drop_m: float, flow: float) -> None:
    assert confirmed_draw(learner, recent(drop_m=drop_m, flow=flow), [POINT]) is None


def test_a_dead_sensor_raises_by_a_bounded_amount(learner: ZoneLearner) -> None:
    found = confirmed_draw(learner, recent(drop_m=60.0, flow=1.1), [POINT])
    assert found is not None
    assert found.excess_m == 12.0


def test_what_lasts_is_no_emergency_any_more(learner: ZoneLearner) -> None:
    assert confirmed_draw(learner, recent(drop_m=5.0, flow=1.1, steps=HOUR), [POINT]) is not None
    assert confirmed_draw(learner, recent(drop_m=5.0, flow=1.1, steps=3 * HOUR), [POINT]) is None


def test_a_point_not_learned_yet_shows_nothing() -> None:
    assert confirmed_draw(ZoneLearner(STEP_S), recent(drop_m=5.0, flow=1.1), [POINT]) is None
