"""The exponent learned from steps: right within its error, also where the law moves because of what it has just seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pressure_control.leak_response import PRIOR_N1, PRIOR_N1_SD, LeakResponse

LEAK_M3H = 20.0
SD_M3H = 2.0


def taught(n1: float, seed: int, steps: int = 6000, *, echo: float = 0.0) -> LeakResponse:
    """A zone whose valve rises after a flow that came unforeseen; a part ``echo`` of what was missed is missed again."""
    rng, response = np.random.default_rng(seed), LeakResponse()
    pressure, missed = 30.0, (0.0, 0.0, 0.0)
    for _ in range(steps):
        move = float(np.clip(0.4 * missed[0] + rng.normal(0.0, 0.3) - 0.05 * (pressure - 30.0), -1.0, 2.0))
        answer = n1 * LEAK_M3H * math.log((pressure + move) / pressure)
        missed = (answer + echo * missed[0] + rng.normal(0.0, SD_M3H), *missed[:2])
        response.learn(missed, 0.0, SD_M3H, pressure + move, pressure)
        pressure += move
    return response


@pytest.mark.parametrize(("n1", "seed"), [(0.5, 1), (1.0, 2), (1.5, 3)])
@pytest.mark.parametrize("echo", [0.0, -0.3])
def test_the_exponent_is_found_within_its_error(n1: float, seed: int, echo: float) -> None:
    found = taught(n1, seed, echo=echo).exponent(LEAK_M3H)
    assert abs(found.value - n1) < 3.0 * found.error
    assert found.error < PRIOR_N1_SD / 2.0
    assert found.steps > 100


def test_before_any_step_it_is_what_is_published() -> None:
    found = LeakResponse().exponent(LEAK_M3H)
    assert found.value == pytest.approx(PRIOR_N1, abs=1e-3)
    assert found.error == pytest.approx(PRIOR_N1_SD, abs=1e-3)
    assert found.steps == 0


def test_a_wild_flow_and_no_pressure_teach_nothing() -> None:
    response = LeakResponse()
    response.learn((50.0, 0.0, 0.0), 0.0, 2.0, 31.0, 30.0)
    response.learn((1.0, 0.0, 0.0), 0.0, 2.0, 31.0, 0.0)
    assert response.steps == 0


def test_it_survives_a_restart() -> None:
    before, after = taught(1.0, 5, steps=200), LeakResponse()
    after.restore(before.state())
    assert after.exponent(LEAK_M3H) == before.exponent(LEAK_M3H)
