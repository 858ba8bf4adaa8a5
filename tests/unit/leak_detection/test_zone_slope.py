"""A slope that moves is told once and holds the watch until it is back or has settled; what explains a level says by how much."""

from __future__ import annotations

import numpy as np
import pytest

from leak_detection.zone_balance import PER_DAY
from leak_detection.zone_slope import SlopeWatch

_RNG = np.random.default_rng(1)
USUAL = 1.4 + 0.002 * _RNG.normal(size=40 * PER_DAY)
"""Slopes of 40 days in which nothing happens."""


def followed(*slopes: np.ndarray) -> tuple[SlopeWatch, list[float], list[float]]:
    """A watch that has seen these, the changes it told, and the ratios it settled at."""
    watch = SlopeWatch()
    news = [watch.follow(float(slope)) for slope in np.concatenate(slopes)]
    return watch, [n.change for n in news if n.change is not None], [n.settled for n in news if n.settled is not None]


def test_nothing_is_told_of_slopes_as_ever_nor_of_missing_ones() -> None:
    watch, told, settled = followed(USUAL, np.full(9, np.nan))
    assert (watch.held, told, settled) == (False, [], [])
    assert watch.usual() == pytest.approx(1.4, abs=0.002)


def test_a_slope_that_stays_moved_is_told_once_by_how_much_and_settles_after_three_weeks() -> None:
    watch, told, settled = followed(USUAL, 0.9 * USUAL[: 20 * PER_DAY])
    assert watch.turned
    assert (told, settled) == ([pytest.approx(-0.1, abs=0.005)], [])
    watch, told, settled = followed(USUAL, 0.9 * USUAL[: 22 * PER_DAY])
    assert not watch.held
    assert (len(told), settled) == (1, [pytest.approx(0.9, abs=0.005)])


def test_the_edge_of_a_step_is_no_turn() -> None:
    watch, told, _ = followed(USUAL, 0.9 * USUAL[:6])
    assert (watch.held, watch.turned, told) == (True, False, [])
    watch, told, _ = followed(USUAL, 0.9 * USUAL[:6], USUAL[:1])
    assert (watch.held, told) == (False, [])


def test_back_at_its_former_value_it_settles_in_two_days() -> None:
    _, _, settled = followed(USUAL, 0.9 * USUAL[: 22 * PER_DAY], USUAL[: 2 * PER_DAY])
    assert settled == [pytest.approx(0.9, abs=0.005), pytest.approx(1 / 0.9, abs=0.005)]


@pytest.mark.parametrize(("share", "explained"), [(0.02, True), (-0.02, False), (0.5, False)])
def test_a_change_of_the_slope_explains_a_level_that_changes_alike_and_by_no_more(share: float, explained: bool) -> None:
    watch, told, _ = followed(USUAL, 1.02 * USUAL[: PER_DAY + 1])
    assert told == []
    assert (watch.explains(share) == pytest.approx(1.02, abs=0.003)) if explained else (watch.explains(share) is None)
