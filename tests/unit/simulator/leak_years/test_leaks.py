"""Leaks are of all ages, on different pipes, and the list of repairs holds only what a utility knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulator.leak_years.chance import Chance
from simulator.leak_years.facts import NetworkFacts, read_facts
from simulator.leak_years.leaks import draw_leaks, open_in_second
from simulator.leak_years.plan import YearsPlan
from tests.support.small_network import write_network

PLAN = YearsPlan(days=730, step_s=3600, leaks=(14, 14))


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> NetworkFacts:
    path: Path = tmp_path_factory.mktemp("net") / "town.inp"
    write_network(path)
    return read_facts(path)


@pytest.mark.parametrize("seed", range(6))
def test_ages_places_and_sizes(facts: NetworkFacts, seed: int):
    main = facts.links.index("MAIN")
    leaks = draw_leaks(facts, PLAN, Chance(seed=seed), [main])
    assert 10 <= len(leaks) <= 14
    assert len({leak.link for leak in leaks}) == len(leaks)
    assert main not in {leak.link for leak in leaks}
    assert any(leak.first < 0 for leak in leaks)
    assert any(0 <= leak.first < PLAN.split_row < leak.end for leak in leaks)
    assert sum(leak.first >= PLAN.split_row for leak in leaks) >= 4
    assert len(open_in_second(leaks, PLAN)) >= 7
    for leak in leaks:
        assert 0 < leak.peak_m3h < 0.2 * facts.total_m3h
        assert 0.5 <= leak.exponent <= 1.5
        assert leak.share.max() == pytest.approx(1.0, abs=1e-6)
        assert leak.end > leak.first


def test_repairs_are_those_of_the_first_part_and_some_are_late_or_not_booked(facts: NetworkFacts):
    leaks = [leak for seed in range(30) for leak in draw_leaks(facts, PLAN, Chance(seed=seed), [])]
    booked = [(leak.end, leak.booked) for leak in leaks if leak.booked is not None]
    mended = [leak for leak in leaks if leak.end < PLAN.split_row]
    assert all(end <= row < PLAN.split_row for end, row in booked)
    assert any(row > end for end, row in booked)
    short = YearsPlan(days=60, step_s=3600, leaks=(40, 40))
    leaks_of_short = [leak for seed in range(30) for leak in draw_leaks(facts, short, Chance(seed=seed), [])]
    assert all(leak.booked < short.split_row for leak in leaks_of_short if leak.booked is not None)
    assert 0.8 * len(mended) < len(booked) < len(mended)


def test_a_new_attempt_has_smaller_ones(facts: NetworkFacts):
    plain, anew = (draw_leaks(facts, PLAN, Chance(seed=1, attempts={"leaks": k}), []) for k in (0, 11))
    assert [leak.link for leak in plain] != [leak.link for leak in anew]
    means = [
        np.mean(
            [np.mean([x.peak_m3h for x in draw_leaks(facts, PLAN, Chance(seed=s, attempts={"leaks": k}), [])]) for s in range(15)]
        )
        for k in (0, 11)
    ]
    assert means[1] < 0.8 * means[0]


def test_leaks_are_as_large_as_asked_for(facts: NetworkFacts):
    def middle(leak_m3h: float) -> float:
        plan = replace(PLAN, leak_m3h=leak_m3h)
        return float(np.median([leak.peak_m3h for seed in range(15) for leak in draw_leaks(facts, plan, Chance(seed=seed), [])]))

    asked = 0.01 * facts.total_m3h
    assert middle(asked) == pytest.approx(asked, rel=0.25)
    assert middle(2 * asked) == pytest.approx(2 * middle(asked), rel=0.15)


def test_none_is_older_than_the_recording_where_none_is_asked_for(facts: NetworkFacts):
    plan = replace(PLAN, old_leaks=False)
    leaks = [leak for seed in range(10) for leak in draw_leaks(facts, plan, Chance(seed=seed), [])]
    assert min(leak.first for leak in leaks) >= 0
    assert any(leak.first < plan.split_row < leak.end for leak in leaks)
