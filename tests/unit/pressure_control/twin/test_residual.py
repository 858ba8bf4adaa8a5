"""What a copy does not know: its friction is found, a sensor reading too high never teaches, a new truth is taken over late."""

from __future__ import annotations

import numpy as np
import pytest

from pressure_control.twin.residual import Residual


def taught(rough: float = 0.0, high_m: float = 0.0, sd_m: float = 0.05, readings: int = 400) -> Residual:
    rng = np.random.default_rng(4)
    residual = Residual()
    for k in range(readings):
        friction = 6.0 * (1.0 + 0.6 * np.sin(k / 7.0))
        loss = 3.0 + high_m + (1.0 + rough) * friction + rng.normal(0.0, sd_m)
        residual.learn(loss, 3.0, friction, friction * (1.0 + rng.normal(0.0, 0.02)), 15.0 * k % 1440.0)
    return residual


def test_a_copy_that_is_right_is_left_alone() -> None:
    residual = taught()
    assert residual.friction_error == pytest.approx(0.0, abs=0.02)
    assert residual.at(np.array([6.0]), 600.0)[0] == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(("rough", "high_m"), [(0.2, 0.0), (-0.15, 2.0), (0.0, -3.0)])
def test_wrong_friction_and_height_are_found(rough: float, high_m: float) -> None:
    residual = taught(rough, high_m)
    assert residual.friction_error == pytest.approx(rough, abs=0.03)
    assert residual.at(np.array([6.0]), 600.0)[0] == pytest.approx(high_m + 6.0 * rough, abs=0.15)


def test_the_spread_grows_with_the_friction_and_the_noise_is_no_room() -> None:
    residual = taught()
    low, high = residual.spread(np.array([1.0, 12.0]))
    assert low < high
    assert np.all(residual.felt(np.array([6.0]), 0.15) < residual.felt(np.array([6.0]), 0.0))


def test_a_sensor_that_reads_too_high_does_not_teach() -> None:
    residual = taught()
    before = residual.at(np.array([6.0]), 600.0)[0]
    for k in range(200):
        residual.learn(3.0 + 6.0 - 4.0, 3.0, 6.0, 6.0, 15.0 * k % 1440.0)
    assert residual.at(np.array([6.0]), 600.0)[0] == before


def test_a_higher_loss_is_believed_only_when_it_lasts() -> None:
    residual = taught()
    before = residual.at(np.array([6.0]), 600.0)[0]
    for k in range(20):
        residual.learn(3.0 + 6.0 + 5.0, 3.0, 6.0, 6.0, 15.0 * k % 1440.0)
    assert residual.at(np.array([6.0]), 600.0)[0] == before
    for k in range(80):
        residual.learn(3.0 + 6.0 + 5.0, 3.0, 6.0, 6.0, 15.0 * k % 1440.0)
    assert residual.at(np.array([6.0]), 600.0)[0] > before + 0.5
