"""Nodes draw their means over the year in the shapes of their uses; hydrants come on top and no customer's meter sees them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from simulator.leak_years.chance import Chance
from simulator.leak_years.demands import DemandDays, ExtraDraw, draw_town, hours_mean
from simulator.leak_years.end_uses import FASTING, FRIDAY, SUNDAY, USES, WORKDAY, day_kind, season, shapes
from simulator.leak_years.facts import NetworkFacts, read_facts
from simulator.leak_years.plan import YearsPlan
from tests.support.small_network import write_network

PLAN = YearsPlan(days=60, step_s=3600)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> NetworkFacts:
    path = tmp_path_factory.mktemp("net") / "town.inp"
    write_network(path)
    return read_facts(path)


def _days(facts: NetworkFacts, level: str, extra: list[ExtraDraw] | None = None, noisy: bool = True) -> np.ndarray:
    town = draw_town(facts, PLAN, Chance(seed=2, forced=level))
    run = DemandDays(facts, PLAN, town, extra or [], 2, noisy=noisy)
    return np.concatenate([run.day(k)[0] for k in range(PLAN.days)], axis=1)


def test_without_distortions_a_town_draws_what_its_file_says(facts: NetworkFacts):
    drawn = _days(facts, "absent")
    assert drawn.sum(axis=0).mean() == pytest.approx(facts.total_m3h, rel=0.03)
    np.testing.assert_allclose(drawn.mean(axis=1), facts.demand_m3h, rtol=0.1)


def test_strong_ones_change_nodes_and_the_hours(facts: NetworkFacts):
    mild, strong = _days(facts, "absent", noisy=False), _days(facts, "strong", noisy=False)
    assert np.abs(strong.mean(axis=1) / facts.demand_m3h - 1).max() > 0.25
    shape = [d.sum(axis=0).reshape(-1, 24).mean(axis=0) / d.sum(axis=0).mean() for d in (mild, strong)]
    assert np.abs(shape[0] - shape[1]).max() > 0.15


def test_a_hydrant_is_drawn_but_not_metered_and_a_customers_leak_is_both(facts: NetworkFacts):
    hydrant = ExtraDraw(node=3, first=30, end=33, flow_m3h=20.0, metered=False)
    leak = replace(hydrant, node=4, first=40, end=42, flow_m3h=0.5, metered=True)
    town = draw_town(facts, PLAN, Chance(seed=2, forced="absent"))
    plain, with_both = (DemandDays(facts, PLAN, town, extra, 2) for extra in ([], [hydrant, leak]))
    plain.day(0), with_both.day(0)
    whole, seen = with_both.day(1)
    without, _ = plain.day(1)
    assert (whole - without)[3].sum() == pytest.approx(60.0)
    assert (seen - without)[3].sum() == pytest.approx(0.0)
    assert (seen - without)[4].sum() == pytest.approx(1.0)


def test_kinds_of_days_and_seasons():
    assert day_kind(date(2018, 5, 1), holidays=True, fasting=False) == SUNDAY
    assert day_kind(date(2018, 5, 1), holidays=False, fasting=False) == WORKDAY
    assert day_kind(date(2018, 5, 18), holidays=True, fasting=True) == FASTING
    assert day_kind(date(2018, 5, 18), holidays=True, fasting=False) == FRIDAY
    assert season("garden", date(2018, 1, 10), 0.5) == 0
    assert season("hotel", date(2018, 7, 24), 0.5) == pytest.approx(1.5, abs=0.01)
    assert season("school", date(2018, 8, 1), 0.5) < 0.5


def test_each_use_has_a_week_of_mean_one_and_gardens_are_watered_at_night():
    table = shapes(96, np.random.default_rng(1), 0.5, 1.0)
    week = (table.mean(axis=2) * [4, 1, 1, 1, 0]).sum(axis=1) / 7
    np.testing.assert_allclose(week, 1.0)
    garden = table[USES.index("garden"), WORKDAY]
    assert garden[36:72].max() < 0.2 * garden.max()


def test_means_of_hours():
    np.testing.assert_allclose(hours_mean(np.arange(96.0)[None, :], 900)[0, :2], [1.5, 5.5])
