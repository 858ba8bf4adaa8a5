"""Each law grows from nothing, or from a part at once, to the full size, and is over when it is repaired."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.leak_years.growth import LAWS, growth


def _rng() -> np.random.Generator:
    return np.random.default_rng(4)


@pytest.mark.parametrize("law", LAWS)
def test_a_leak_has_its_full_size_when_grown_and_none_outside_its_life(law: str):
    share = growth(law, 1000, 100, 900, 500, _rng())
    assert not share[:100].any()
    assert not share[900:].any()
    assert share[500:900].max() == pytest.approx(1.0)
    assert share.min() >= 0
    if law != "reopens":
        assert (np.diff(share[100:900]) >= -1e-12).all()


def test_laws_differ_half_way():
    half = {law: growth(law, 1000, 0, 1000, 1000, _rng())[500] for law in ("linear", "quadratic", "exponential")}
    assert half["linear"] == pytest.approx(0.5)
    assert half["quadratic"] == pytest.approx(0.25)
    assert half["exponential"] < 0.15


def test_one_that_reopens_is_closed_for_a_while_and_open_before_and_after():
    share = growth("reopens", 1000, 100, 1000, 101, _rng())
    closed = np.flatnonzero(share[100:] == 0)
    assert 0 < closed.size < 450
    assert share[100] == 1
    assert share[-1] == 1


def test_one_older_than_the_recording_is_there_from_its_first_row():
    assert growth("seepage", 100, -500, 100, 50, _rng())[0] > 0.5


def test_a_law_that_is_none_is_named():
    with pytest.raises(ValueError, match="cubic"):
        growth("cubic", 10, 0, 10, 5, _rng())
