import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulator.faults import Burst, MeterStuck
from simulator.town_log import LoggedStep, append, describe, mend, read_log, read_truth, totals, write_truth

START = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
STEP = LoggedStep(
    time=START,
    seconds=60,
    leak_m3=0.8,
    burst_m3=0.2,
    inflow_m3=2.0,
    customer_minutes_below=3.0,
    lowest_m=21.5,
    setpoints_m={"prv": 31.5},
)


def test_steps_come_back_in_order_and_the_later_line_counts(tmp_path: Path):
    log = tmp_path / "log.jsonl"
    later = dataclasses.replace(STEP, time=START + timedelta(minutes=1))
    for step in (later, dataclasses.replace(STEP, leak_m3=9.0), STEP):
        append(log, step)
    assert read_log(log) == (STEP, later)


def test_a_line_that_a_crash_cut_off_costs_only_itself(tmp_path: Path):
    log = tmp_path / "log.jsonl"
    append(log, STEP)
    with log.open("a") as file:
        file.write('{"time": "2026-11-')
    mend(log)
    later = dataclasses.replace(STEP, time=START + timedelta(minutes=1))
    append(log, later)
    assert read_log(log) == (STEP, later)
    assert read_log(tmp_path / "none.jsonl") == ()


def test_totals_are_sums_and_the_least_pressure():
    found = totals([STEP, dataclasses.replace(STEP, lowest_m=20.5)])
    assert found.leak_m3 == pytest.approx(1.6)
    assert found.burst_m3 == pytest.approx(0.4)
    assert found.customer_minutes_below == 6
    assert found.lowest_pressure_m == 20.5
    assert found.hours == pytest.approx(2 / 60)
    assert totals([]).leak_m3 == 0


def test_the_truth_names_each_fault(tmp_path: Path):
    burst = Burst(start=START, zone="oued", node="O1", flow_m3h=12, reference_m=40)
    creeping = dataclasses.replace(burst, growth_h=24)
    stuck = MeterStuck(start=START, end=START + timedelta(hours=1), points=("a", "b"))
    write_truth(tmp_path / "truth.json", seed=7, scenario="demo", live_start=START, faults=(burst, creeping, stuck))
    truth = read_truth(tmp_path / "truth.json")
    assert (truth["seed"], truth["scenario"], truth["live_start"]) == (7, "demo", START.isoformat())
    assert [f["kind"] for f in truth["faults"]] == ["burst", "creeping_leak", "meter_stuck"]
    assert truth["faults"][0] | {"zone": "oued", "start": START.isoformat(), "flow_m3h": 12} == truth["faults"][0]
    assert describe(stuck)["points"] == ["a", "b"]
