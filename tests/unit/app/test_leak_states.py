"""Which rises of floating tanks belong to the readings is learnt from the pressures themselves."""

import numpy as np
import pytest

from app.leak_states import in_step, waiting
from leak_detection.model.tank_rises import TankRises


@pytest.mark.parametrize("late", [0, 1])
def test_readings_wait_for_the_next_level_only_where_that_explains_the_pressures(late):
    rng = np.random.default_rng(6)
    rows = 28 * 48
    taken = np.sin(np.arange(rows) / 5.0) + rng.normal(0.0, 0.5, rows)
    level = 5.0 + np.cumsum(taken - taken.mean()) / 48
    rise = np.diff(level, prepend=level[0]) * 48 / 24
    pressure = 30.0 - 0.4 * np.roll(rise, -late)[:, None] * np.array([1.0, 2.0, 0.5]) + rng.normal(0.0, 0.02, (rows, 3))
    drivers = np.stack([80.0 + rng.normal(0.0, 2.0, rows), level], axis=1)
    rises = TankRises(per_day=48, tanks=(1,))
    assert in_step(rises, pressure, drivers).late == late
    assert waiting(rises, pressure, drivers).late == late


def test_readings_do_not_wait_where_a_day_gains_nothing_by_it():
    rng = np.random.default_rng(7)
    rows = 28 * 48
    level = 5.0 + np.sin(np.arange(rows) / 5.0)
    rise = np.diff(level, prepend=level[0]) * 48 / 24
    day = np.repeat(rng.normal(0.0, 0.3, rows // 48), 48)
    pressure = 30.0 + day[:, None] - 0.4 * np.roll(rise, -1)[:, None] * np.ones(3) + rng.normal(0.0, 0.02, (rows, 3))
    drivers = np.stack([80.0 + rng.normal(0.0, 2.0, rows), level], axis=1)
    rises = TankRises(per_day=48, tanks=(1,))
    assert in_step(rises, pressure, drivers).late == 1
    assert waiting(rises, pressure, drivers).late == 0
