"""The verdict on a run fails for each thing that can go wrong, and only then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.demo.report import Delivery, PlantedLeak, RunFacts, Seen, Setpoints, verdict

START = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)
BURST = PlantedLeak(zone="oued", start=START + timedelta(minutes=30), flow_m3h=15.0, kind="burst")
GOOD = RunFacts(
    seed=1,
    scenario="demo",
    start=START,
    end=START + timedelta(hours=3),
    delivery=Delivery(spooled=100, rows=98, ledger_stored=98, repeated=0, dead_letters=2),
    leaks=[BURST],
    findings=[Seen(zone="oued", at=START + timedelta(minutes=75), code="burst")],
    alerts=[Seen(zone="oued", at=START + timedelta(minutes=75), code="leak.burst")],
    setpoints=Setpoints(ordered=5, verified=5, refused=0, other=0),
    fixed_m3=100.0,
    controlled_m3=90.0,
    customer_minutes_below=0.0,
    audit_whole=True,
)


def test_a_good_run_holds() -> None:
    report = verdict(GOOD)
    assert report["ok"], report["failures"]
    assert report["burst"] == {"zone": "oued", "found_zone": "oued", "found_after_h": 0.75, "flow_m3h": 15.0}
    keys = (
        "spooled",
        "stored",
        "dead_letters",
        "lost",
        "duplicated",
        "false_alerts",
        "setpoints",
        "leakage",
        "customer_minutes_below",
    )
    assert all(key in report for key in keys)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"delivery": Delivery(spooled=100, rows=97, ledger_stored=97, repeated=0, dead_letters=2)}, "1 readings spooled"),
        ({"delivery": Delivery(spooled=100, rows=99, ledger_stored=98, repeated=0, dead_letters=2)}, "stored twice"),
        ({"delivery": Delivery(spooled=100, rows=97, ledger_stored=97, repeated=1, dead_letters=2)}, "stored twice"),
        ({"findings": []}, "not found"),
        ({"findings": [Seen(zone="medina", at=START + timedelta(hours=1), code="burst")]}, "found in medina"),
        ({"findings": [Seen(zone="oued", at=START + timedelta(hours=4), code="burst")]}, "after 3.5 h"),
        ({"alerts": [Seen(zone="medina", at=START + timedelta(hours=1), code="leak.burst")]}, "nothing was planted"),
        ({"alerts": [Seen(zone="oued", at=START + timedelta(minutes=5), code="leak.burst")]}, "nothing was planted"),
        ({"setpoints": Setpoints(ordered=5, verified=4, refused=0, other=1)}, "4 verified"),
        ({"setpoints": Setpoints(ordered=0, verified=0, refused=0, other=0)}, "no setpoint"),
        ({"controlled_m3": 100.0}, "not below"),
        ({"customer_minutes_below": 12.0}, "12 customer-minutes"),
        ({"audit_whole": False}, "audit chain"),
        ({"end": START + timedelta(minutes=10)}, "run for longer"),
    ],
)
def test_each_failure_is_named(change: dict[str, Any], sentence: str) -> None:
    report = verdict(replace(GOOD, **change))
    assert not report["ok"]
    assert any(sentence in failure for failure in report["failures"]), report["failures"]


def test_a_scenario_without_a_burst_needs_none() -> None:
    report = verdict(replace(GOOD, leaks=[], findings=[], alerts=[]))
    assert report["ok"]
    assert report["burst"] is None
