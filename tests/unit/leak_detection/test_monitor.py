"""A town of three zones, one of them behind another: bursts by night and by day, at fixed and at moving pressure."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from domain.findings import Finding, FindingKind
from domain.points import PointKey
from leak_detection.evaluate import replay
from leak_detection.inputs import ZoneInputs, zone_inputs
from leak_detection.learned import learn
from leak_detection.monitor import update
from tests.support.toy_zone import CALENDAR, PER_DAY, ToyTown

LIVE = 14 * PER_DAY


def step_at(local_hour: float, day: int = 14) -> int:
    return day * PER_DAY + round((local_hour - 1) * 12)


def inputs(town: ToyTown, key: str) -> ZoneInputs:
    return zone_inputs(town.zone(key), CALENDAR, town.data, start_s=town.seconds[0], step_s=300.0, outlet=PointKey(f"{key}.outlet"))


def found(town: ToyTown, key: str, from_step: int, to_step: int) -> list[Finding]:
    part = inputs(town, key).until(to_step)
    return list(replay(part, from_s=float(town.seconds[from_step])))


@cache
def quiet(seed: int) -> ToyTown:
    town = ToyTown(seed=seed)
    town.run(0, town.size)
    return town


@pytest.mark.parametrize(
    ("seed", "zone", "hour", "flow"), [(1, "plateau", 2.5, 12.0), (2, "oued", 3.0, 10.0), (3, "medina", 10.0, 24.0)]
)
def test_a_burst_is_found_within_the_hour_in_its_zone_only(seed: int, zone: str, hour: float, flow: float) -> None:
    onset = step_at(hour)
    town = ToyTown(seed=seed, bursts={zone: (onset, onset + 72, flow)})
    town.run(0, town.size)
    for key in town.zones:
        findings = found(town, key, onset - 12, onset + 36)
        if key != zone:
            assert findings == []
            continue
        (leak,) = findings
        delay_h = (leak.found_at.timestamp() - town.seconds[onset]) / 3600
        assert 0 < delay_h <= 1.0
        assert abs(leak.since.timestamp() - town.seconds[onset]) <= 1200
        assert leak.open
        assert 0.5 * flow < leak.flow_m3h < 1.3 * flow
        assert {e.name for e in leak.evidence} >= {"flow_step", "first_flow"}


def test_one_leak_is_one_finding_that_closes_when_the_flow_is_back() -> None:
    onset = step_at(1.5)
    town = ToyTown(seed=5, bursts={"medina": (onset, onset + 8 * 12, 18.0)})
    town.run(0, town.size)
    (leak,) = found(town, "medina", onset - 12, onset + 16 * 12)
    assert not leak.open
    assert {"flow_step", "night_flow"} <= {e.name for e in leak.evidence}


@pytest.mark.parametrize("seed", [11, 12])
def test_a_day_without_a_leak_has_no_finding(seed: int) -> None:
    town = quiet(seed)
    for key in town.zones:
        assert found(town, key, LIVE, LIVE + PER_DAY) == []


def test_moving_the_pressure_neither_hides_a_leak_nor_looks_like_one() -> None:
    onset = step_at(4.5)
    lowered = np.interp(np.arange(16 * PER_DAY), [step_at(0.5), step_at(1.5), step_at(5.5), step_at(6.2)], [40, 28, 28, 40])
    for bursts in ({}, {"medina": (onset, onset + 60, 12.0)}):
        town = ToyTown(seed=7, bursts=bursts)
        town.setpoint["medina"] = lowered
        town.run(0, town.size)
        findings = found(town, "medina", step_at(0.0), step_at(9.0))
        assert len(findings) == len(bursts)
        assert all(f.found_at.timestamp() - town.seconds[onset] < 3600 for f in findings)


def test_a_creeping_leak_is_found_by_its_nights() -> None:
    town = ToyTown(seed=4, days=19)
    town.run(0, town.size)
    growth = np.clip((np.arange(town.size) - LIVE) / (4 * PER_DAY), 0, 1) * 14.0
    grown = replace(inputs(town, "oued"), inflow_m3h=inputs(town, "oued").inflow_m3h + growth)
    findings = list(replay(grown, from_s=float(town.seconds[LIVE]), every_s=900.0))
    assert findings
    assert findings[0].detector == "night_flow"
    assert findings[-1].open


def test_a_stuck_meter_is_a_meter_fault_and_no_leak_anywhere() -> None:
    town = ToyTown(seed=2)
    town.run(0, town.size)
    onset = step_at(4.0)
    town.data[PointKey("oued.flow")][onset:] = town.data[PointKey("oued.flow")][onset]
    (fault,) = found(town, "oued", onset - 12, onset + 60)
    assert fault.kind is FindingKind.METER_FAULT
    assert found(town, "plateau", onset - 12, onset + 60) == []


def test_a_repaired_meter_closes_its_fault() -> None:
    town = quiet(11)
    part = inputs(town, "medina").until(LIVE)
    learned = learn(part)
    assert learned is not None
    stuck = replace(part, still={PointKey("medina.flow"): np.full(part.size, 20)}, inflow_m3h=part.inflow_m3h.copy())
    stuck.inflow_m3h[-20:] = np.nan
    (fault,) = update(stuck, learned, [])
    assert fault.kind is FindingKind.METER_FAULT
    assert update(stuck, learned, [fault]) == []
    (over,) = update(part, learned, [fault])
    assert not over.open


def test_a_kind_of_day_never_seen_raises_no_leak() -> None:
    onset = step_at(2.5)
    town = ToyTown(seed=1, bursts={"plateau": (onset, onset + 72, 30.0)})
    town.run(0, town.size)
    whole = inputs(town, "plateau")
    today = CALENDAR.local(town.time(onset)).date()
    ramadan = replace(CALENDAR, ramadan=((today, today),))
    assert list(replay(replace(whole, calendar=ramadan).until(onset + 36), from_s=float(town.seconds[onset - 6]))) == []


def test_three_days_are_the_least_to_learn_from() -> None:
    part = inputs(quiet(11), "medina")
    assert learn(part.until(2 * PER_DAY)) is None
    assert learn(part.until(5 * PER_DAY)) is not None


def test_a_leak_that_has_grown_stays_open_when_a_habit_ends() -> None:
    onset = step_at(22.0)
    town = ToyTown(seed=9)
    town.run(0, town.size)
    step = np.arange(town.size) - onset
    extra = np.where(step >= 0, 6.0, 0.0) + np.where(step >= 40, 9.0, 0.0) + np.where((step >= 48) & (step < 60), 5.0, 0.0)
    whole = inputs(town, "oued")
    grown = replace(whole, inflow_m3h=whole.inflow_m3h + extra).until(onset + 100)
    (leak,) = replay(grown, from_s=float(town.seconds[onset - 6]))
    assert leak.open
