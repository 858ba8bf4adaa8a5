"""A pump that starts is no draw, even while its tank does not show it yet; a draw beside a known pump is still believed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pressure_control.learner import PumpStart, ZoneLearner
from pressure_control.surge import Surge, surge
from tests.unit.pressure_control.test_learner import DAY, STEP_S, town

PUMP = PumpStart(tank="T1", level_m=2.40, jump_m3h=16.0)
FALLING = (2.50, 2.49, 2.48, 2.47, 2.45, 2.44, 2.43, 2.41)
"""Towards the level at which the pump starts, as a reading to the centimetre shows it."""


@pytest.fixture(scope="module")
def learner() -> ZoneLearner:
    found = ZoneLearner(STEP_S)
    found.advance(town(5))
    found.pumps = [PUMP]
    return found


def seen(learner: ZoneLearner, *levels_m: float, jump_m3h: float = 16.0, higher_m: float = 0.0) -> Surge | None:
    """What is made of a jump of the flow that has stood for as many readings as there are levels after the fall."""
    recent = town(5).tail(DAY // 4)
    recent.flow_m3h[-len(levels_m) - 1 :] = recent.flow_m3h[-len(levels_m) - 2]
    recent.flow_m3h[-len(levels_m) :] += jump_m3h
    levels = np.full(recent.size, 2.6)
    levels[-len(FALLING) - len(levels_m) :] = (*FALLING, *levels_m)
    recent.tank_m["T1"] = levels + higher_m
    return surge(learner, recent)


def test_a_tank_that_has_stopped_falling_may_be_filling(learner: ZoneLearner) -> None:
    found = seen(learner, 2.40, 2.40)
    assert found is not None
    assert not found.sure, "the pump adds less than a centimetre in its first step"


def test_a_tank_that_rises_was_a_pump(learner: ZoneLearner) -> None:
    assert seen(learner, 2.40) is None
    assert seen(learner, 2.40, 2.41) is None
    assert seen(learner, 2.40, 2.40, 2.41) is None


@pytest.mark.parametrize(
    ("levels_m", "jump_m3h", "higher_m"),
    [
        pytest.param((2.40, 2.39), 16.0, 0.0, id="the tank goes on falling: not the pump"),
        pytest.param((2.40, 2.40), 40.0, 0.0, id="far more than the pump takes"),
        pytest.param((2.40, 2.40, 2.40), 16.0, 0.0, id="seen three times, and the tank does not rise"),
        pytest.param((2.40, 2.40), 16.0, 0.2, id="nowhere near the level at which the pump starts"),
    ],
)
def test_a_draw_beside_a_known_pump_is_sure(
    learner: ZoneLearner, levels_m: tuple[float, ...], jump_m3h: float, higher_m: float
) -> None:
    found = seen(learner, *levels_m, jump_m3h=jump_m3h, higher_m=higher_m)
    assert found is not None
    assert found.sure


@pytest.mark.parametrize("levels_m", [(math.nan,), (2.40, math.nan)])
def test_a_tank_that_cannot_be_seen_tells_nothing_apart(learner: ZoneLearner, levels_m: tuple[float, ...]) -> None:
    found = seen(learner, *levels_m)
    assert found is not None
    assert not found.sure
    third = seen(learner, *levels_m, *[math.nan] * (3 - len(levels_m)))
    assert third is not None
    assert third.sure


def test_without_known_pumps_a_large_draw_is_sure_at_the_third_reading() -> None:
    alone = ZoneLearner(STEP_S)
    alone.advance(town(5))
    found = [seen(alone, *(2.40, 2.39, 2.38)[:readings]) for readings in (1, 2, 3)]
    assert [one is not None and one.sure for one in found] == [False, False, True]


@pytest.mark.parametrize(("jump_m3h", "seen_as"), [(8.0, None), (16.0, False), (26.0, True)])
def test_a_large_draw_is_raised_for_sooner_than_it_is_sure(jump_m3h: float, seen_as: bool | None) -> None:
    restless = ZoneLearner(STEP_S)
    restless.advance(town(5))
    restless.flow.variance = 0.05**2
    found = seen(restless, 2.40, 2.39, 2.38, jump_m3h=jump_m3h)
    assert (None if found is None else found.sure) == seen_as
    if found is not None:
        assert found.share == pytest.approx(found.jump_m3h / restless.flow.scale_m3h)
