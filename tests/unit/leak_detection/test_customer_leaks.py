"""Continuous flow behind a meter is found in a day and a half; tanks, softeners and absence are not it."""

import numpy as np

from leak_detection.customer_leaks import continuous_flow, find_customer_leaks


def _use(hours=600, seed=1):
    rng = np.random.default_rng(seed)
    return rng.poisson(0.5, hours) * rng.gamma(1.6, 22, hours)


def test_a_leak_is_found_within_two_days_with_its_flow_and_end():
    use = _use()
    use[200:400] += 10
    (leak,) = find_customer_leaks(use[:, None], ("m1",))
    assert leak.meter == "m1"
    assert 200 < leak.found_h <= 260
    assert 10 <= leak.flow_l_h < 12
    assert 400 <= leak.end_h < 415


def test_a_softener_that_runs_every_other_hour_is_no_leak():
    use = _use()
    use[::2] = 0
    assert find_customer_leaks((use + 20 * (np.arange(600) % 2))[:, None], ("m",)) == ()


def test_a_floor_that_wanders_is_no_leak():
    rng = np.random.default_rng(3)
    wandering = continuous_flow(np.repeat(rng.choice([5.0, 60.0, 200.0], 60), 18))
    assert (wandering[100:] == 0).mean() > 0.3
    assert (continuous_flow(np.full(100, 60.0))[36:] == 60.0).all()


def test_silence_says_nothing():
    assert find_customer_leaks(np.full((600, 1), np.nan), ("m",)) == ()
    assert find_customer_leaks(np.zeros((10, 1)), ("m",)) == ()
