"""Readings that cannot be are missing; a coarse register's water is spread between its pulses; whatever else stays as it was."""

import numpy as np
import pytest

from leak_detection.customer_readings import rounding, set_right

HOURS = 120
NOBODY = np.zeros((1, 8), dtype=np.float32)
PEOPLE = np.full((1, 8), 90.0, dtype=np.float32)


def _use(seed=1):
    rng = np.random.default_rng(seed)
    return np.floor(rng.gamma(1.0, 12.0, HOURS)) + 1.0


def _set_right(values, before=PEOPLE):
    found, pulse = set_right(values[None].copy(), before)
    return found[0], pulse[0]


def test_ordinary_hours_stay_as_they_are():
    found, pulse = _set_right(_use())
    np.testing.assert_array_equal(found, _use())
    assert pulse == 1.0


@pytest.mark.parametrize("value", [-3.0, 1e6, 9000.0])
def test_what_cannot_be_is_missing(value):
    use = _use()
    use[50] = value
    found, _ = _set_right(use)
    assert np.flatnonzero(np.isnan(found)).tolist() == [50]


def test_a_value_that_is_held_is_missing_where_people_lived_and_stays_where_nobody_did():
    use = _use()
    use[80:] = 15.0
    assert np.isnan(_set_right(use)[0][80:]).all()
    use[:80] = 0.0
    assert not np.isnan(_set_right(use)[0]).any()
    assert np.isnan(_set_right(np.full(HOURS, 15.0))[0]).all()
    assert not np.isnan(_set_right(np.full(HOURS, 15.0), NOBODY)[0]).any()


def test_a_value_that_goes_on_after_one_odd_hour_is_a_steady_flow_by_large_pulses():
    use = _use()
    use[60:] = 10.0
    assert np.isnan(_set_right(use)[0][60:]).all()
    for odd in (70, 100):  # what is held goes on before, or after
        use[odd] = 20.0
        assert not np.isnan(_set_right(use)[0]).any()
        use[odd] = 10.0
    use[117] = 20.0  # too near the end to say
    assert np.isnan(_set_right(use)[0][60:117]).all()


def test_pulses_are_spread_over_the_hours_since_the_one_before():
    use = np.zeros(HOURS)
    use[4::5] = 10.0
    use[60] = 40.0
    found, pulse = _set_right(use)
    assert pulse == 10.0
    assert found[10:55] == pytest.approx(2.0)
    assert found[60] > 10.0
    assert rounding(np.array([1.0, 10.0]), np.array([2.0, 2.0])) == pytest.approx([1.2, 1.7])


def test_one_large_volume_is_no_pulse():
    use = np.zeros(HOURS)
    use[70] = 600.0
    found, pulse = _set_right(use)
    assert pulse == 1.0
    np.testing.assert_array_equal(found, use)


def test_zeros_that_a_lump_makes_up_for_are_missing_only_where_water_never_rests():
    use = _use() + 20.0
    use[60] = use[40:61].sum()
    use[40:60] = 0.0
    found, _ = _set_right(use)
    assert np.flatnonzero(np.isnan(found)).tolist() == list(range(40, 61))
    use[::7] = 0.0
    assert not np.isnan(_set_right(use)[0]).any()
