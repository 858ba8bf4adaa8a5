"""What a broken register sends in place of a value is missing; what is only unusual stays."""

import numpy as np
import pytest

from leak_detection.model.readings import in_words, plausible

_RNG = np.random.default_rng(8)


def _gauges():
    return 50.0 + _RNG.normal(0.0, 1.0, (2000, 2))


@pytest.mark.parametrize("wrong", [1e6, -9999.0, np.inf])
def test_what_cannot_be_is_missing_and_said(wrong):
    values = _gauges()
    values[::97, 1] = wrong
    known = plausible(values[:1000], pressures=True)
    assert np.flatnonzero(np.isnan(known.only(values)[:, 1])).tolist() == list(range(0, 2000, 97))
    words = in_words(("low", "high"), values, known)
    assert len(words) == np.isfinite(wrong)
    assert all("high: 21 of 2000 readings cannot be" in text for text in words)


def test_leaks_steps_and_silence_stay():
    values = _gauges()
    values[500:] -= 12.0
    values[900:950] = np.nan
    known = plausible(values[:400], pressures=True)
    assert known.only(values) == pytest.approx(values, nan_ok=True)
    assert in_words(("low", "high"), values, known) == ()


def test_a_main_that_a_burst_empties_is_read_and_a_round_zero_is_not():
    values = _gauges()
    values[1000:1100, 0] = np.linspace(49.0, -0.6, 100)
    values[1000:1100, 1] = 0.0
    known = plausible(values[:900], pressures=True)
    read = np.isfinite(known.only(values))
    assert read[:, 0].all()
    assert np.flatnonzero(~read[:, 1]).tolist() == list(range(1000, 1100))
    (text,) = in_words(("low", "high"), values, known)
    assert text.startswith("high: 100 of 2000 readings cannot be (0 where")
    shallow = values * 0.1 - 4.5
    assert plausible(shallow[:900], pressures=True).only(np.zeros((1, 2))) == pytest.approx(np.zeros((1, 2)))


def test_a_pump_that_seldom_runs_and_a_meter_that_stands_still_are_read():
    flow = np.zeros((2000, 2))
    flow[::120, 0] = 400.0
    known = plausible(flow, pressures=False)
    assert known.only(flow) == pytest.approx(flow)
    assert np.isnan(known.only(np.array([[-1e6, 0.0]]))).tolist() == [[True, False]]


def test_of_fewer_columns_it_is_the_same():
    values = _gauges()
    whole = plausible(values, pressures=True)
    assert whole.of(np.array([False, True])).only(values[:, 1:]) == pytest.approx(whole.only(values)[:, 1:])
