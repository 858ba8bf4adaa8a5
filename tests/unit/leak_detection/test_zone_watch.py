"""Steps and growth are told once and soon; meters, valves and habits are not told as leaks."""

import numpy as np
import pytest

from domain.findings import FindingKind
from leak_detection.zone_neighbours import with_neighbours
from leak_detection.zone_watch import ZoneWatch
from tests.support.zone_balances import balance_rows

_DAY = 10 + 8 * np.exp(-0.5 * ((np.arange(24) - 8) / 3) ** 2) + 6 * np.exp(-0.5 * ((np.arange(24) - 19) / 2.5) ** 2)
_DAYS = 100
_HOURS = np.arange(_DAYS * 24)


def _zone(extra, seed=1, gain=1.0):
    rng = np.random.default_rng(seed)
    use = np.tile(_DAY, _DAYS) * rng.normal(1, 0.05, _HOURS.size)
    return (use + 5.0 + extra) * gain, use * 0.7 * rng.normal(1, 0.01, _HOURS.size)


def watch_zones(rows_of):
    """Every alarm of a recording of some zones in order of issue, and the watches as they stand at its end."""
    watches = {z: ZoneWatch(zone=z) for z in rows_of}
    alarms = []
    for rows in zip(*rows_of.values(), strict=True):
        found = [a for watch, row in zip(watches.values(), rows, strict=True) if (a := watch.step(row)) is not None]
        alarms += with_neighbours(found, {z: w.unexplained_m3h for z, w in watches.items()})
    return tuple(alarms), watches


def _leaks(extra, **kwargs):
    alarms, watches = watch_zones({"z": balance_rows(*_zone(extra, **kwargs))})
    return [a for a in alarms if a.cause == "leak"], watches["z"]


def test_a_quiet_zone_says_nothing():
    assert _leaks(np.zeros(_HOURS.size))[0] == []


def test_a_step_is_a_burst_within_two_and_a_half_days_and_is_told_once():
    alarms, watch = _leaks(np.where(_HOURS > 1440, 3.0, 0.0))
    assert [a.kind for a in alarms] == [FindingKind.BURST]
    assert 1440 < alarms[0].found_h <= 1440 + 60
    assert watch.open_m3h == pytest.approx(3.0, abs=1.0)


def test_a_repair_closes_it_and_the_next_leak_is_new():
    alarms, _ = _leaks(np.where((_HOURS > 1000) & (_HOURS < 1400), 3.0, 0.0) + np.where(_HOURS > 1800, 3.0, 0.0))
    assert [a.kind for a in alarms] == [FindingKind.BURST] * 2
    assert alarms[1].found_h > 1800
    assert _leaks(np.where((_HOURS > 1000) & (_HOURS < 1400), 3.0, 0.0))[1].open_m3h == 0


def test_growth_is_told_and_at_most_a_few_times():
    alarms, _ = _leaks(4.0 * np.clip((_HOURS - 1000) / 1000, 0, 1))
    assert alarms
    assert alarms[0].found_h < 1700
    assert len(alarms) <= 4


def test_a_slow_leak_beside_one_of_many_times_its_flow_is_told():
    slow = 2.0 * np.clip((_HOURS - 1500) / 400, 0, 1)
    alarms, _ = _leaks(np.where(_HOURS > 800, 9.0, 0.0) + slow)
    assert [a.kind for a in alarms[:2]] == [FindingKind.BURST, FindingKind.CREEPING]
    assert 1500 < alarms[1].found_h < 2000


def test_growth_that_had_not_passed_the_threshold_before_a_step_is_not_forgotten_by_it():
    """Half of the growth lies before the step, half after; neither is the threshold of 0.3 m³/h."""
    slow = 0.5 * np.clip((_HOURS - 900) / 700, 0, 1)
    alarms, _ = _leaks(np.where(_HOURS > 1250, 6.0, 0.0) + slow)
    assert [a.kind for a in alarms] == [FindingKind.BURST, FindingKind.CREEPING]
    assert 1250 < alarms[0].found_h < 1300
    assert 1400 < alarms[1].found_h < 1700


def test_two_steps_are_two_open_leaks_and_the_repair_of_one_leaves_the_other():
    steps = np.where(_HOURS > 900, 4.0, 0.0) + np.where(_HOURS > 1300, 2.0, 0.0)
    _, watch = _leaks(steps)
    assert [round(leak.flow_m3h) for leak in watch.opened] == [4, 2]
    assert sum(leak.flow_m3h for leak in watch.opened) == pytest.approx(watch.open_m3h)
    _, watch = _leaks(steps - np.where(_HOURS > 1800, 4.0, 0.0))
    assert [round(leak.flow_m3h) for leak in watch.opened] == [2]
    assert 1200 < watch.opened[0].since_h < 1400


@pytest.mark.parametrize("first", [0, 12])
def test_what_is_drawn_at_some_hours_without_a_meter_is_no_leak(first):
    season = np.clip((_HOURS - 1000) / 600, 0, 1) * np.isin(_HOURS % 24, np.arange(first, first + 6))
    for seed in (1, 2):
        assert _leaks(4.0 * season, seed=seed)[0] == []


@pytest.mark.parametrize("gain", [0.94, 1.03, 1.06])
def test_an_inlet_meter_that_begins_to_read_wrong_is_a_meter_finding_and_no_leak(gain):
    for seed in (1, 2):
        inflow, meters = _zone(np.zeros(_HOURS.size), seed=seed, gain=np.where(_HOURS > 1200, gain, 1.0))
        alarms, _ = watch_zones({"z": balance_rows(inflow, meters)})
        assert [(a.cause, a.kind) for a in alarms] == [("slope", FindingKind.METER_FAULT)]
        assert 1200 < alarms[0].found_h <= 1200 + 72


def test_a_valve_left_open_is_named_with_the_other_zone():
    a, am = _zone(np.zeros(_HOURS.size), seed=1)
    b, bm = _zone(np.zeros(_HOURS.size), seed=2)
    water = np.where(_HOURS > 1200, 0.2 * a, 0.0)
    alarms, _ = watch_zones({"a": balance_rows(a + water, am), "b": balance_rows(b - water, bm)})
    assert {x.cause for x in alarms} <= {"slope", "boundary_valve:a", "boundary_valve:b"}
    assert any(x.cause.startswith("boundary_valve") for x in alarms)


@pytest.mark.parametrize("wrong", [np.zeros(_HOURS.size), np.where(_HOURS > 1200, 0.0, 1.0), np.where(_HOURS > 1200, -1.0, 1.0)])
def test_an_inlet_meter_that_reads_zero_or_backwards_is_no_leak_and_stops_nothing(wrong):
    inflow, meters = _zone(np.zeros(_HOURS.size))
    alarms, _ = watch_zones({"z": balance_rows(inflow * wrong, meters)})
    assert [a for a in alarms if a.cause == "leak"] == []


def test_gaps_raise_nothing():
    inflow, meters = _zone(np.zeros(_HOURS.size))
    inflow[1000:1100], meters[1300:1400] = np.nan, np.nan
    assert watch_zones({"z": balance_rows(inflow, meters)})[0] == ()
