"""What gauges do by themselves is learnt as noise and steps; the filter's surprises are white; a valve that drifts is no leak."""

from dataclasses import replace

import numpy as np
import pytest

from leak_detection.model.changes import hear
from leak_detection.model.drift import Drift, channels, innovations, learn_drift
from leak_detection.model.ledger import Ledger
from leak_detection.model.shapes import NO_SAY, shape
from tests.support.pipe_line import GAUGES, pipe_line

DAYS = 400


def _record(rng, noise_m=0.005, setting_m=0.0, days=DAYS):
    """Noise of each day, and a valve that moves all gauges alike."""
    valve = np.cumsum(rng.normal(0.0, setting_m, days))[:, None] if setting_m else 0.0
    return rng.normal(0.0, noise_m, (days, GAUGES)) + valve


def test_noise_and_the_wander_of_a_setting_are_told_apart():
    record = _record(np.random.default_rng(3), setting_m=0.01)
    drift = learn_drift(record, np.ones_like(record, dtype=bool), np.ones((1, GAUGES)))
    # Neighbouring days differ by a step, too: a day's noise is read a little high.
    assert np.sqrt(np.median(np.diag(drift.day_m2))) == pytest.approx(0.0087, rel=0.2)
    assert np.sqrt(drift.walk_m2) == pytest.approx(np.full((GAUGES, GAUGES), 0.01), rel=0.4)


def test_leaks_and_repairs_are_not_taken_for_drift():
    record = _record(np.random.default_rng(4))
    for start in (50, 150, 250, 330):
        record[start : start + 40] -= 0.3
    drift = learn_drift(record, np.ones_like(record, dtype=bool), np.ones((1, GAUGES)))
    assert np.sqrt(drift.walk_m2).max() < 0.005, "by the squares of their steps it would be 0.04"


def test_most_of_what_a_gauge_does_by_itself_is_its_drift():
    rng = np.random.default_rng(9)
    record = _record(rng)
    record[:, 3] += np.cumsum(rng.normal(0.0, 0.02, DAYS))
    own = np.diag(learn_drift(record, np.ones_like(record, dtype=bool)).walk_m2)
    assert np.sqrt(own[3]) == pytest.approx(0.6**0.5 * 0.02, rel=0.35)
    assert np.sqrt(np.delete(own, 3)).max() < 0.004


def test_leaks_that_come_and_go_all_the_time_are_no_drift_of_gauges():
    rng = np.random.default_rng(12)
    one_m = -np.linspace(0.01, 0.03, GAUGES)
    leaks_m = np.outer(np.linspace(0.5, 2.0, 20), one_m)
    record = _record(rng) + np.cumsum(rng.normal(0.0, 1.0, DAYS))[:, None] * one_m
    record[:, 1] += np.cumsum(rng.normal(0.0, 0.02, DAYS))
    known = np.ones_like(record, dtype=bool)
    blind = np.diag(learn_drift(record, known).walk_m2)
    told = np.diag(learn_drift(record, known, None, leaks_m).walk_m2)
    assert blind[-1] > 9.0 * told[-1], "what leaks do is not the gauge's own"
    assert np.sqrt(told[1]) == pytest.approx(0.6**0.5 * 0.02, rel=0.5), "what no leak does is"


def test_a_gauge_hardly_read_has_no_say_and_nothing_is_singular():
    record = _record(np.random.default_rng(5), days=40)
    known = np.ones_like(record, dtype=bool)
    known[5:, 2] = False
    drift = learn_drift(record, known)
    assert drift.day_m2[2, 2] == pytest.approx(NO_SAY)
    assert np.linalg.eigvalsh(drift.day_m2).min() > 0
    blind = channels(drift, np.arange(GAUGES) == 1)
    assert np.isfinite(blind.turn).all()
    assert np.allclose(blind.turn @ blind.back, np.eye(GAUGES), atol=1e-6)


def test_surprises_are_white_and_of_size_one():
    rng = np.random.default_rng(6)
    walk = np.array([0.0, 0.05, 1.0])
    level = np.cumsum(rng.normal(0.0, 1.0, (3000, 3)) * np.sqrt(walk), axis=0)
    surprise = innovations(level + rng.normal(0.0, 1.0, (3000, 3)), np.empty((3000, 0)), walk)[:, 1:, 0]
    assert surprise.std(axis=1) == pytest.approx(np.ones(3), abs=0.05)
    assert np.abs([np.corrcoef(row[1:], row[:-1])[0, 1] for row in surprise]).max() < 0.06


def test_each_walk_has_its_own_filter_also_one_after_another():
    values = np.random.default_rng(11).normal(0.0, 1.0, (30, 2))
    still, wandering = (innovations(values, np.empty((30, 0)), np.full(2, walk)) for walk in (0.0, 1.0))
    assert not np.allclose(still, wandering)
    assert np.array_equal(innovations(values, np.empty((30, 0)), np.zeros(2)), still)
    assert np.array_equal(innovations(values[:20], np.empty((20, 0)), np.zeros(2)), still[:, :20])


def test_without_drift_it_is_least_squares_about_the_mean():
    values = np.random.default_rng(7).normal(0.0, 1.0, (50, 2)) + 7.0
    surprise = innovations(values, values[:, :1], np.zeros(2))
    assert (surprise[:, :, 0] ** 2).sum(axis=1) == pytest.approx(((values - values.mean(axis=0)) ** 2).sum(axis=0), rel=1e-4)
    assert np.allclose(surprise[0, :, 0], surprise[0, :, 1], atol=1e-5)


def test_the_loading_of_a_step_is_read_beside_known_courses_and_what_is_set_aside_says_nothing():
    days, load = 80, np.linspace(-0.1, 0.2, GAUGES)
    step, known = shape(days, 60, 0), shape(days, 30, 20)
    record = step[:, None] * load + known[:, None] * np.full(GAUGES, 0.3)
    still = Drift(day_m2=1e-4 * np.eye(GAUGES), walk_m2=1e-8 * np.eye(GAUGES))
    heard = hear(record, [known], [step, known], channels(still, np.zeros(GAUGES, dtype=bool)))
    assert heard.loading(0)[0] == pytest.approx(load, abs=1e-6)
    assert heard.scores(load[None])[0, 0] > 25
    assert heard.scores(load[None])[1, 0] == 0.0, "a known course has nothing left to say"
    assert heard.scores(load[None], [load])[0, 0] == 0.0
    resembling = load + np.where(np.arange(GAUGES) % 2, 0.05, -0.05)
    assert heard.scores(resembling[None])[0, 0] > 20
    assert abs(heard.scores(resembling[None], [load])[0, 0]) < 0.1, "all that it resembled was set aside"


def test_a_valve_that_drifts_is_no_leak_and_hides_none():
    net = replace(pipe_line(error=0.1), wander_m=np.ones((1, GAUGES)))
    record = _record(np.random.default_rng(8), noise_m=0.004, setting_m=0.02, days=160)
    assert _told(net, record) == []
    record[120:] += 8.0 * net.at(8.0)[12]
    told = _told(net, record)
    assert len(told) == 1
    assert 120 < told[0].found_day <= 124
    assert net.distance_m[told[0].place.index, 12] <= 200


def _told(net, record):
    ledger = Ledger(signatures=net)
    return [leak for day in range(1, len(record) + 1) for leak in ledger.look(record[:day])]
