"""Alarms are worth what the contest says, luck is taken off, and all figures are those of the scorer beside the shared data."""

import csv
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from app.leak_scores import TrueLeak, along_pipes, contest, of_zones, read_truth, score_alarms
from app.leaks_alarms import AlarmRow, read_alarms, write_alarms
from tests.support.shared_data import shared

_STREET = {"a": 0.0, "b": 140.0, "c": 290.0, "z": 5000.0}


def _away_m(one, other):
    return abs(_STREET[one] - _STREET[other])


def _leak(place, first, last, steps=1000, flow_m3h=12.0):
    flow = np.zeros(steps)
    flow[max(first, 0) : last + 1] = flow_m3h
    return TrueLeak(place=place, first=first, last=last, flow_m3h=flow)


def test_an_alarm_earns_the_water_from_then_on_less_the_way():
    outcome = contest([("b", 500)], [_leak("a", 0, 999)], _away_m)
    # 12 m3/h are 1 m3 a step; the step before counts, too.
    assert outcome.earned_eur == pytest.approx(501 * 0.8 - 500 * 140 / 300)
    assert outcome.found == {0: (pytest.approx(500 / 12), 140.0)}


def test_of_two_leaks_the_nearest_not_told_is_told_and_repeats_are_free():
    leaks = [_leak("a", 0, 999), _leak("c", 0, 999)]
    outcome = contest([("b", 10), ("b", 20), ("b", 30)], leaks, _away_m)
    assert sorted(outcome.found) == [0, 1]
    assert outcome.repeats == 1
    assert outcome.false == 0


@pytest.mark.parametrize(("place", "step"), [("z", 500), ("a", 99), ("a", 301)], ids=["too far", "before", "after"])
def test_where_nothing_runs_an_alarm_is_false(place, step):
    outcome = contest([(place, step)], [_leak("a", 100, 300)], _away_m)
    assert (outcome.false, outcome.earned_eur) == (1, -500.0)


def test_after_twelve_false_alarms_nobody_goes_out():
    alarms = [("z", step) for step in range(13)] + [("a", 500)]
    outcome = contest(alarms, [_leak("a", 0, 999)], _away_m)
    assert outcome.false == 13
    assert outcome.budget_eur == -12 * 500.0
    assert outcome.earned_eur == pytest.approx(501 * 0.8 - 13 * 500.0)


def test_pipes_lie_as_far_apart_as_the_way_along_pipes_in_metres(tmp_path):
    path = tmp_path / "town.inp"
    text = "[PIPES]\np1 a b 100 200 130\np2 b c 60 200 130\np3 c d 40 200 130\n[OPTIONS]\nUNITS {}\n"
    for unit, factor in (("CMH", 1.0), ("GPM", 0.3048)):
        path.write_text(text.format(unit))
        away_m, names = along_pipes(path)
        assert names == ["p1", "p2", "p3"]
        assert away_m("p1", "p3") == pytest.approx(factor * (50 + 60 + 20))
        assert away_m("p1", "p1") == 0.0
        assert away_m("p1", "elsewhere") == float("inf")


def _random_alarms(truth: Path, count: int, seed: int) -> list[AlarmRow]:
    """Every second at a leak that runs, the others anywhere."""
    start, steps, leaks = read_truth(truth)
    random, rows = np.random.default_rng(seed), []
    for number in range(count):
        leak = leaks[random.integers(len(leaks))]
        at = max(leak.first, 0) if number % 2 else int(random.integers(steps))
        moment = start + timedelta(minutes=5 * (at + int(random.integers(2000))))
        rows.append(AlarmRow(place=leak.place, start=moment, issued=moment, flow_m3h=1.0, confidence=1.0))
    return rows


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ["dma-dev", "ltown-dev"])
def test_figures_are_those_of_the_scorer_beside_the_data(tmp_path, name, seed):
    # Pipes as if they were zones: with a network that scorer needs scipy.
    truth, out = shared("data", name, "truth"), tmp_path / "score.json"
    write_alarms(_random_alarms(truth, 40, seed), tmp_path / "alarms.csv")
    command = [sys.executable, shared("tools", "score_leaks.py"), tmp_path / "alarms.csv", "--truth", truth]
    subprocess.run([*command, "--online", "--json", out], check=True, capture_output=True)
    theirs = json.loads(out.read_text())
    ours = score_alarms(read_alarms(tmp_path / "alarms.csv"), truth, of_zones, [])
    for key in ("TP", "FP", "FN", "repeats", "alarms", "leaks", "strict_TP", "median_hours_to_detect", "median_distance_m"):
        assert ours[key] == theirs[key], key
    for key in ("score_eur", "score_budget_eur", "max_eur"):
        assert ours[key] == pytest.approx(theirs[key], abs=0.5), key
    for key in ("skill", "share_of_max", "strict_F1"):
        assert ours[key] == pytest.approx(theirs[key], abs=1e-3), key


def test_nothing_told_is_no_luck_and_no_skill(tmp_path):
    np.savez(tmp_path / "leakflow-2020.npz", start="2020-01-01 00:00", pipe=["a"], flow=np.full((50, 1), 100), scale=0.01)
    with (tmp_path / "leaks.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["pipe", "start", "end"], ["a", "2020-01-01 00:00", "2020-01-02 00:00"]])
    none = score_alarms([], tmp_path, of_zones, [])
    assert (none["skill"], none["strict_F1"], none["FN"], none["median_distance_m"]) == (0.0, 0.0, 1, None)
    one = score_alarms([("a", datetime(2020, 1, 1))], tmp_path, of_zones, [])
    assert (one["strict_F1"], one["share_of_max"]) == (1.0, pytest.approx(1.0))
