"""Did the loop hold? The facts of a run, and the verdict on them.

What is checked: every reading spooled is stored or a dead letter, once; the planted burst is found in its zone in time and no other
zone raises an alert; every setpoint the law ordered was read back; leakage fell against the fixed setpoint and nobody fell below
the minimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.definitions import PRESSURE_LOW

BURST_WITHIN_H = 3.0
"""A planted burst must be found within this many hours of process time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Readings counted at both ends of the road up."""

    spooled: int
    """Sequence numbers given out at the edges."""
    rows: int
    """Rows in the readings table."""
    ledger_stored: int
    """Rows the ledger says it stored."""
    repeated: int
    """Readings that were in the table already, with the same value."""
    dead_letters: int

    @property
    def lost(self) -> int:
        """Readings that exist at an edge and nowhere else."""
        return self.spooled - self.ledger_stored - self.repeated - self.dead_letters

    @property
    def duplicated(self) -> int:
        """Rows more than the ledger knows of, plus readings that came twice under two numbers."""
        return self.rows - self.ledger_stored + self.repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedLeak:
    """A fault of the scenario that loses water."""

    zone: str
    start: datetime
    flow_m3h: float
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Something the system told its people, and when by the time of the data."""

    zone: str | None
    at: datetime
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoints:
    """What became of the law's orders."""

    ordered: int
    verified: int
    refused: int
    """By the desk's interlocks, before anything was sent, or by the edge."""
    other: int
    """Failed, expired or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Everything the verdict rests on."""

    seed: int
    scenario: str
    start: datetime
    end: datetime
    delivery: Delivery
    leaks: Sequence[PlantedLeak]
    findings: Sequence[Seen]
    alerts: Sequence[Seen]
    setpoints: Setpoints
    fixed_m3: float
    controlled_m3: float
    customer_minutes_below: float
    audit_whole: bool


def verdict(facts: RunFacts) -> dict[str, Any]:
    """The report: the facts under their keys, ``ok``, and a sentence for each check that failed."""
    burst, burst_failures = _burst(facts)
    false_alerts = _false_alerts(facts)
    delivery, setpoints = facts.delivery, facts.setpoints
    failures = [
        *_when(delivery.spooled == 0, "nothing was spooled at the edges"),
        *_when(delivery.lost != 0, f"{delivery.lost} readings spooled at the edges are neither stored nor dead letters"),
        *_when(delivery.duplicated != 0, f"{delivery.duplicated} readings are stored twice"),
        *burst_failures,
        *_when(bool(false_alerts), f"{len(false_alerts)} alerts where nothing was planted: {_names(false_alerts)}"),
        *_when(setpoints.ordered == 0, "the law ordered no setpoint"),
        *_when(
            setpoints.ordered != setpoints.verified,
            f"{setpoints.ordered} setpoints ordered by the law, {setpoints.verified} verified by read-back",
        ),
        *_when(
            facts.controlled_m3 >= facts.fixed_m3,
            f"leakage under control {facts.controlled_m3:.1f} m³ is not below {facts.fixed_m3:.1f} m³ at the fixed setpoint",
        ),
        *_when(facts.customer_minutes_below > 0, f"{facts.customer_minutes_below:.0f} customer-minutes below the minimum pressure"),
        *_when(not facts.audit_whole, "the audit chain is broken"),
    ]
    return {
        "ok": not failures,
        "failures": failures,
        "seed": facts.seed,
        "scenario": facts.scenario,
        "from": facts.start.isoformat(),
        "to": facts.end.isoformat(),
        "spooled": delivery.spooled,
        "stored": delivery.rows,
        "dead_letters": delivery.dead_letters,
        "lost": delivery.lost,
        "duplicated": delivery.duplicated,
        "burst": burst,
        "false_alerts": len(false_alerts),
        "setpoints": {
            "ordered": setpoints.ordered,
            "verified": setpoints.verified,
            "refused": setpoints.refused,
            "other": setpoints.other,
        },
        "leakage": {"fixed_m3": round(facts.fixed_m3, 2), "controlled_m3": round(facts.controlled_m3, 2)},
        "customer_minutes_below": round(facts.customer_minutes_below, 1),
        "audit_whole": facts.audit_whole,
    }


def _burst(facts: RunFacts) -> tuple[dict[str, Any] | None, list[str]]:
    """What became of the planted burst; None where the scenario plants none."""
    planted = [leak for leak in facts.leaks if leak.kind == "burst" and leak.start < facts.end]
    if not planted:
        expected = any(leak.kind == "burst" for leak in facts.leaks)
        return None, _when(expected, "the run ended before the scenario's burst; run for longer")
    leak = planted[0]
    seen = sorted((f for f in facts.findings if f.at >= leak.start and f.zone is not None), key=lambda f: f.at)
    first = next((f for f in seen if f.zone == leak.zone), seen[0] if seen else None)
    found_zone = first.zone if first else None
    after_h = round((first.at - leak.start).total_seconds() / 3600, 2) if first else None
    right = first is not None and first.zone == leak.zone and after_h is not None and after_h <= BURST_WITHIN_H
    report = {"zone": leak.zone, "found_zone": found_zone, "found_after_h": after_h, "flow_m3h": round(leak.flow_m3h, 1)}
    sentence = f"the burst in {leak.zone} was " + (f"found in {found_zone} after {after_h} h" if first else "not found")
    return report, _when(not right, sentence)


def _false_alerts(facts: RunFacts) -> list[Seen]:
    """Alerts about zones where nothing was planted, or not yet. Low pressure is measured, not believed: it is none of these."""

    def explained(alert: Seen) -> bool:
        return any(leak.zone == alert.zone and leak.start <= alert.at for leak in facts.leaks)

    believed = [a for a in facts.alerts if a.zone is not None and a.code != PRESSURE_LOW]
    return [a for a in believed if a.at >= facts.start and not explained(a)]


def _names(alerts: Sequence[Seen]) -> str:
    return ", ".join(f"{a.code} in {a.zone} at {a.at:%H:%M}" for a in alerts[:5])


def _when(failed: bool, sentence: str) -> list[str]:
    return [sentence] if failed else []
