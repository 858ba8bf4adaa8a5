"""Faults change their gauge in their time and nothing else, and the list says all of them."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.leak_years.chance import Chance
from simulator.leak_years.faults import GaugeFault, lay_faults
from simulator.leak_years.plan import Places, YearsPlan

PLAN = YearsPlan(days=200, step_s=3600)
PLACES = Places(gauges=tuple(f"g{k}" for k in range(40)), meters=(), tanks=(), customers=())


def _laid(seed: int) -> tuple[np.ndarray, np.ndarray, list[GaugeFault]]:
    before = 40 + np.random.default_rng(0).normal(0, 1, (PLAN.rows, 40)).cumsum(axis=0) * 0.01
    after = before.copy()
    return before, after, lay_faults(after, PLAN, PLACES, Chance(seed=seed))


@pytest.mark.parametrize("seed", range(5))
def test_only_what_the_list_says_is_changed(seed: int):
    before, after, faults = _laid(seed)
    changed = ~((before == after) | (np.isnan(before) & np.isnan(after)))
    said = np.zeros_like(changed)
    for fault in faults:
        said[fault.first : fault.end, PLACES.gauges.index(fault.gauge)] = True
    assert not (changed & ~said).any()
    for fault in faults:
        here = changed[fault.first : fault.end, PLACES.gauges.index(fault.gauge)]
        assert here.any(), fault.words
        assert 0 <= fault.first < fault.end <= PLAN.rows


def test_every_kind_comes_and_each_gauge_has_one_at_most():
    laid = [_laid(seed)[2] for seed in range(5)]
    kinds = {fault.words.split()[0] for faults in laid for fault in faults}
    assert kinds == {"stuck", "drift", "step", "clock", "dead", "gain", "noise", "swapped", "quantised", "spikes"}
    for faults in laid:
        assert len({fault.gauge for fault in faults}) == len(faults) >= 8


def test_swapped_gauges_have_one_anothers_readings():
    for seed in range(5):
        before, after, faults = _laid(seed)
        pair = [f for f in faults if f.words.startswith("swapped")]
        for one in pair:
            other = PLACES.gauges.index(one.words.split()[-1])
            span = slice(one.first, one.end)
            np.testing.assert_array_equal(after[span, PLACES.gauges.index(one.gauge)], before[span, other])
