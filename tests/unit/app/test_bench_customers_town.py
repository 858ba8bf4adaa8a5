"""A town of hard meters is the same for the same seed, has every kind of life and leak, and most of its leaks are found."""

from __future__ import annotations

import numpy as np

from app.bench_customers_town import TownScore, joined, score_town, score_towns
from app.leak_customers_lives import LIVES
from app.leak_customers_town import FINER, KINDS, SILENT, Customers, HardLeak, make_customers
from leak_detection.customer_leaks import CustomerLeak


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


def _told(meter: int, found_h: int) -> CustomerLeak:
    return CustomerLeak(meter=str(meter), found_h=found_h, since_h=found_h - 40, end_h=None, flow_l_h=20.0)


def test_what_is_told_before_a_leak_counts_is_in_time_and_what_cannot_be_read_is_named() -> None:
    def leak(meter: int, hidden: str = "") -> HardLeak:
        return HardLeak(meter=meter, kind="growing", begin_h=450, start_h=500, end_h=900, flow_l_h=20.0, hidden=hidden)

    leaks = (leak(0), leak(1), leak(2), leak(3, FINER), leak(4, SILENT))
    names = ("home",) * 5
    town = Customers(use_l_h=np.zeros((1000, 5)), leaks=leaks, lives=names, pulses_l=(1.0,) * 5, faults=("none",) * 5)
    into = TownScore()
    score_town(town, [_told(0, 480), _told(1, 800), _told(2, 440)], into)
    assert (into.leaks["growing"], into.in_time["growing"], into.late["growing"]) == (3, 1, 1)
    assert (into.told, into.wrong.total()) == (3, 1)
    assert into.hidden == {FINER: 1, SILENT: 1}


def test_a_leak_that_its_meter_does_not_report_is_named_so() -> None:
    found = make_customers(np.random.default_rng(2), 400, 300).leaks
    named = {leak.meter: leak.hidden for leak in found if leak.hidden}
    assert set(named.values()) == {FINER, SILENT}
    assert len(named) < 0.1 * len(found)
    assert all(leak.begin_h <= leak.start_h for leak in found)
    assert all(leak.seen == (leak.hidden != FINER) for leak in found)
