"""Every kind of gauge fault is told with its reason and taken back when it is over; a leak beside a gauge is no fault."""

import numpy as np
import pytest

from domain.errors import ConfigurationError
from leak_detection.model.gauge_faults import Screener, screen, set_all_right, set_right

_PER_DAY, _DAYS, _GAUGES, _AT = 96, 100, 9, 60


def _signatures():
    along, gauges = np.linspace(0, 4000, 60)[:, None], np.linspace(0, 4000, _GAUGES)[None, :]
    return -0.008 * np.exp(-np.abs(along - gauges) / 1500.0) - 0.003


def _town(seed=1, days=_DAYS):
    """Pressures of a town whose demand swings by the day, its metered inflow and a tank."""
    rng = np.random.default_rng(seed)
    t = np.arange(days * _PER_DAY) / _PER_DAY
    inflow = 100 + 45 * np.sin(2 * np.pi * t) + 12 * np.sin(4 * np.pi * t + 1) + 5 * np.sin(2 * np.pi * t / 7)
    inflow = inflow + np.convolve(rng.normal(0, 6, t.size), np.ones(4) / 4, "same")
    tank = 3 + 0.5 * np.sin(2 * np.pi * t / 2.3)
    share = np.linspace(0.6, 1.4, _GAUGES)
    level = rng.normal(0, 0.004, (days, _GAUGES)).repeat(_PER_DAY, axis=0)
    pressure = 50 + 0.3 * tank[:, None] - 6e-5 * share * (inflow**2)[:, None] + level + rng.normal(0, 0.01, (t.size, _GAUGES))
    return np.round(pressure, 2), np.stack([inflow, tank], axis=1)


@pytest.fixture(name="town", scope="module")
def _fixture():
    return _town()


def _screen(town, change):
    pressure, drivers = town[0].copy(), town[1]
    change(pressure)
    return screen(pressure, drivers, _PER_DAY, _signatures())


def _rows(first, last=_DAYS):
    return slice(first * _PER_DAY, last * _PER_DAY)


def test_gauges_in_order_are_all_used(town):
    assert _screen(town, lambda p: None).usable.all()


def _dead(p):
    p[_rows(_AT, _AT + 10), 3] = np.nan


def _stuck(p):
    p[_rows(_AT, _AT + 10), 3] = p[_AT * _PER_DAY, 3]


def _noisy(p):
    p[_rows(_AT, _AT + 10), 3] += np.random.default_rng(5).normal(0, 0.3, 10 * _PER_DAY)


def _coarse(p):
    p[_rows(_AT, _AT + 10), 3] = np.round(p[_rows(_AT, _AT + 10), 3])


def _step(p):
    p[_rows(_AT, _AT + 10), 3] += 0.4


def _drift(p):
    p[_rows(_AT, _AT + 25), 3] -= 0.05 * np.arange(25 * _PER_DAY) / _PER_DAY


@pytest.mark.parametrize(
    ("change", "kind", "length", "delay"),
    [
        (_dead, "dead", 10, 0),
        (_stuck, "stuck", 10, 0),
        (_noisy, "noise", 10, 0),
        (_coarse, "coarse", 10, 0),
        (_step, "step", 10, 3),
        (_drift, "drift", 25, 9),
    ],
)
def test_a_fault_is_told_with_its_reason_and_taken_back(town, change, kind, length, delay):
    seen = _screen(town, change)
    (fault,) = seen.faults
    assert (fault.gauge, fault.kind) == (3, kind)
    assert 0 <= fault.found_day - _AT <= delay
    assert abs(fault.since_day - _AT) <= delay
    assert any(c.isdigit() for c in fault.words)
    assert (~seen.usable[_AT : _AT + length, 3]).mean() >= 0.8
    assert fault.until_day is not None
    assert fault.until_day <= _AT + length + 4
    assert seen.usable[fault.until_day + 1 :].all()
    assert np.delete(seen.usable, 3, axis=1).all()


@pytest.mark.parametrize("late", [-5, 4, 12])
def test_a_clock_that_is_off_is_set_right(town, late):
    pressure = town[0].copy()
    pressure[_rows(_AT), 3] = np.roll(pressure[_rows(_AT), 3], late)
    seen = screen(pressure, town[1], _PER_DAY, _signatures())
    (fault,) = seen.faults
    assert (fault.kind, fault.size, fault.corrected) == ("clock", late, True)
    assert ("late" if late > 0 else "early") in fault.words
    assert seen.usable[_AT + 2 :, 3].all()
    right = set_all_right(pressure, seen, _PER_DAY)[_rows(_AT + 3, _AT + 30), 3]
    both = np.isfinite(right)
    assert both.mean() > 0.8
    assert right[both] == pytest.approx(town[0][_rows(_AT + 3, _AT + 30), 3][both])


def test_a_new_level_that_lasts_is_taken_off_and_the_old_one_is_known_again(town):
    def change(p):
        p[_rows(_AT - 20, _AT + 15), 3] += 0.5

    seen = _screen(town, change)
    assert seen.faults[0].corrected
    assert seen.usable[_AT, 3]
    assert seen.offset_m[_AT, 3] == pytest.approx(0.5, abs=0.05)
    assert seen.offset_m[-1, 3] == pytest.approx(0.0, abs=0.05)
    assert seen.usable[-1].all()


@pytest.mark.parametrize("place", [0, 22, 45])
@pytest.mark.parametrize("flow_m3h", [5.0, 25.0])
def test_a_leak_beside_a_gauge_is_no_fault(town, place, flow_m3h):
    def change(p):
        p[_rows(_AT)] += flow_m3h * _signatures()[place] * np.random.default_rng(3).uniform(0.8, 1.25, _GAUGES)

    assert _screen(town, change).usable.all()


def test_a_fine_gauge_that_is_read_seldom_is_not_coarse_for_moving_by_much():
    rng, seldom = np.random.default_rng(4), 6
    pressure = rng.normal(50.0, 1.0, (60 * seldom, _GAUGES))
    seen = screen(pressure, np.zeros((60 * seldom, 1)), seldom, _signatures())
    assert "coarse" not in {fault.kind for fault in seen.faults}


@pytest.mark.parametrize("kind", ["noise", "coarse"])
def test_what_was_usual_is_not_forgotten_while_a_gauge_is_out_for_months(kind):
    pressure, drivers = _town(days=150)
    sick = pressure[_rows(30, 140), 3]
    noise = np.random.default_rng(5).normal(0, 0.3, len(sick))
    pressure[_rows(30, 140), 3] = sick + noise if kind == "noise" else np.round(sick)
    seen = screen(pressure, drivers, _PER_DAY, _signatures())
    assert [(f.kind, f.since_day, f.until_day) for f in seen.faults] == [(kind, 30, 140)]
    assert not seen.usable[30:140, 3].any()


def test_a_gauge_that_comes_back_on_another_level_is_told_from_its_second_day(town):
    def change(p):
        p[_rows(20, 85), 3] = np.nan
        p[_rows(85), 3] += 0.8

    dead, fault = _screen(town, change).faults
    assert (dead.kind, dead.until_day) == ("dead", 85)
    assert (fault.gauge, fault.found_day) == (3, 86)
    assert fault.size == pytest.approx(0.8, abs=0.1)


def test_a_fault_and_a_leak_at_once_are_told_apart(town):
    def change(p):
        p[_rows(_AT)] += 10.0 * _signatures()[40]
        p[_rows(_AT), 2] -= 0.6

    assert {f.gauge for f in _screen(town, change).faults} == {2}


def test_silent_meters_judge_nobody_but_the_dead(town):
    pressure, drivers = town[0].copy(), town[1].copy()
    drivers[_rows(70, 75), 0] = np.nan
    _stuck(pressure)
    pressure[_rows(72, 73), 5] = np.nan
    screener = Screener(per_day=_PER_DAY, signatures=_signatures())
    days = [screener.look(pressure[_rows(d, d + 1)], drivers[_rows(d, d + 1)]) for d in range(80)]
    assert [v.judged for v in days[69:76]] == [True, *[False] * 5, True]
    assert [f.gauge for f in days[72].opened] == [5]


def test_the_future_changes_nothing(town):
    pressure = town[0].copy()
    _step(pressure)
    other = pressure.copy()
    other[_rows(_AT + 5)] = other[_rows(_AT + 5)][::-1]
    one, two = (screen(p, town[1], _PER_DAY, _signatures()).told[: _AT + 5] for p in (pressure, other))
    assert np.array_equal(one, two)


def test_one_day_after_another_is_the_same_as_the_recording(town):
    pressure = town[0].copy()
    _drift(pressure)
    screener = Screener(per_day=_PER_DAY, signatures=_signatures())
    for d in range(_DAYS):
        verdict = screener.look(pressure[_rows(d, d + 1)], town[1][_rows(d, d + 1)])
        right = set_right(pressure[_rows(d, d + 1)], verdict)
        assert np.array_equal(np.isfinite(right).any(axis=0), verdict.usable)
    assert np.array_equal(screener.usable, screen(pressure, town[1], _PER_DAY, _signatures()).usable)


def test_a_gauge_less_or_too_short_a_day_says_what_is_wrong(town):
    with pytest.raises(ConfigurationError, match=r"\(96, 8\).*\(96, 9\)"):
        screen(town[0][:, :8], town[1], _PER_DAY, _signatures())
    with pytest.raises(ConfigurationError, match="a whole day of 96 samples"):
        screen(town[0][:50], town[1][:50], _PER_DAY, _signatures())
    with pytest.raises(ConfigurationError, match="as many samples as pressures"):
        Screener(per_day=_PER_DAY, signatures=_signatures()).look(town[0][:_PER_DAY], town[1][:20])


def test_a_clock_off_by_a_single_sample_is_told_and_is_over_when_it_is_right_again(town):
    pressure = town[0].copy()
    hours = np.arange(0, pressure.shape[0], 4)
    pressure, drivers = pressure[hours], town[1][hours]
    off = slice(_AT * 24, (_AT + 15) * 24)
    pressure[off, 3] = np.roll(pressure[off, 3], 1)
    seen = screen(pressure, drivers, 24, _signatures())
    (fault,) = seen.faults
    assert (fault.gauge, fault.kind, fault.size) == (3, "clock", 1.0)
    assert _AT <= fault.since_day <= _AT + 1
    assert fault.until_day is not None
    assert fault.until_day <= _AT + 17


def test_what_the_flows_always_explain_badly_is_no_clock_and_stands_no_stiller_for_it(town):
    """Behind a tank that nobody measures pressures follow the flows late, on all days: that is the network, not the gauge."""
    pressure = town[0].copy()
    wave = 0.25 * np.sin(2 * np.pi * np.arange(len(pressure)) / _PER_DAY / 1.37)
    pressure[:, 3] = np.roll(pressure[:, 3], 4) + wave
    seen = screen(pressure, town[1], _PER_DAY, _signatures())
    assert not [f for f in seen.faults if f.kind in ("clock", "stuck")]


def test_a_coarse_gauge_that_begins_to_move_is_not_noisy(town):
    """In steps of 0.05 m a quiet day has no step in most samples and a livelier one has: neither is noise."""
    pressure = town[0].copy()
    quiet = np.round(50.0 + np.where(np.arange(len(pressure)) % _PER_DAY < 40, 0.05, 0.0), 2)
    lively = quiet + 0.05 * (np.arange(len(pressure)) % 2)
    pressure[:, 3] = np.where(np.arange(len(pressure)) < _AT * _PER_DAY, quiet, lively)
    seen = screen(pressure, town[1], _PER_DAY, _signatures())
    assert not [f for f in seen.faults if f.kind == "noise"]
