"""A town of hard meters is the same for the same seed, has every kind of life and leak, and most of its leaks are found."""

from __future__ import annotations

import numpy as np

from app.bench_customers_town import joined, score_towns
from app.leak_customers_lives import LIVES
from app.leak_customers_town import KINDS, make_customers


def test_a_town_is_drawn_from_its_seed_with_every_life_and_leak() -> None:
    town, again = (make_customers(np.random.default_rng(8), 160, 120) for _ in range(2))
    np.testing.assert_array_equal(town.use_l_h, again.use_l_h)
    assert town.use_l_h.shape == (120 * 24, 160)
    assert len(set(town.lives)) >= len(LIVES) - 6
    assert {leak.kind for leak in town.leaks} == set(KINDS)
    assert all(0 < leak.start_h < leak.end_h <= 120 * 24 for leak in town.leaks)


def test_most_leaks_of_a_town_are_found_in_time_and_most_of_what_is_told_is_true() -> None:
    whole = joined(tuple(score_towns([8], meters=120, days=150).values()))
    assert whole.leaks.total() >= 25
    assert whole.found >= 0.7
    assert whole.precision >= 0.85
