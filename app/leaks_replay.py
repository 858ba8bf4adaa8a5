"""``khettara leaks replay``: a recording as it would have run, by the code that runs; alarms, findings and their evidence.

folder with dma.npz            zones with customers' meters   the zone balance       leaks_replay_zones
folder with years and a model  a network                      the model layer        leaks_replay_network
CSV and its map                zones with an inflow meter     night flow and steps   leaks_replay_zones
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.leak_output import write_whole
from app.leaks_alarms import AlarmRow
from app.leaks_customers import CustomerFinding, customer_document
from app.leaks_drawing import Clock, Panel, Plan, plan_document
from app.leaks_progress import Seen, nobody
from app.leaks_table import finding_document
from app.scheduler import ZoneMap
from domain.errors import ConfigurationError
from domain.factors import LeakFactors
from domain.findings import Finding
from domain.valves import ValveTurned


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What a replay found."""

    kind: str
    zones: int
    days: float
    alarms: list[AlarmRow]
    findings: list[Finding]
    clock: Clock = field(default_factory=Clock)
    """In whose time alarms are written and moments are said."""
    panels: Mapping[str, tuple[Panel, ...]] = field(default_factory=dict)
    """By finding, customers' too: what a page draws."""
    plan: Plan | None = None
    customers: tuple[CustomerFinding, ...] = ()
    """Leaks behind customers' meters: no loss of the utility, so no alarm."""
    money: str = ""
    """Unit of the findings' cost; empty where no price is known."""
    valves: tuple[ValveTurned, ...] = ()
    """Pressure valves that were turned: no loss, so no alarm."""
    notes: tuple[str, ...] = ()
    """What in the recording or the network file makes all of it less sure, in words."""


def replay_dataset(dataset: Path, points: Path | None, over: ZoneMap, seen: Seen = nobody) -> Replayed:
    """Replays a folder or a CSV by what is in it.

    Args:
        dataset: Of one of the three kinds.
        points: Map of a CSV's columns.
        over: Where zones are gone through.
        seen: Is told how far it is.

    Raises:
        ConfigurationError: Nothing that is known, or something in it is wrong.
    """
    from app.cores import open_cores
    from app.leak_learning import BESIDE
    from app.leaks_replay_network import replay_network_folder
    from app.leaks_replay_zones import replay_csv, replay_metered_zones

    if dataset.is_dir() and (dataset / "dma.npz").exists():
        return replay_metered_zones(dataset, over, seen)
    if dataset.is_dir() and (dataset / "meta.json").exists():
        with open_cores(loads=BESIDE) as cores:
            return replay_network_folder(dataset, seen, cores)
    if dataset.is_dir() and len(found := sorted(dataset.glob("*inflow*.csv*"))) == 1:
        dataset = found[0]
    if dataset.is_file():
        return replay_csv(dataset, points, over, seen)
    inside = sorted(p.name for p in dataset.iterdir())[:6] if dataset.is_dir() else []
    raise ConfigurationError(
        file=str(dataset), key="DATASET", value=", ".join(inside) or "an empty folder",
        expected="a folder with dma.npz, a folder with years, meta.json and a network, or a CSV of inflows with --points",
    )  # fmt: skip


def with_costs(result: Replayed, factors: LeakFactors) -> Replayed:
    """With what each leak costs a day by a site's factors, as the running service says it."""

    def priced(finding: Finding) -> Finding:
        if finding.cause != "leak":
            return finding
        money, co2 = factors.money_a_day(finding.flow_m3h), factors.co2_kg_a_day(finding.flow_m3h)
        return replace(finding, money_a_day=money, co2_kg_a_day=co2)

    money = "" if factors.water is None else factors.water.unit.partition("/")[0]
    return replace(result, findings=[priced(f) for f in result.findings], money=money)


def write_findings(result: Replayed, out: Path) -> None:
    """Findings with their evidence and what a page draws, for ``khettara leaks explain``."""
    document: dict[str, Any] = {
        "kind": result.kind,
        "zones": result.zones,
        "days": result.days,
        "timezone": result.clock.timezone,
        "money": result.money,
        "notes": list(result.notes),
        "plan": plan_document(result.plan),
        "findings": [finding_document(f, result.panels.get(f.key, ())) for f in result.findings],
        "customers": [customer_document(c, result.panels.get(c.key, ())) for c in result.customers],
    }
    write_whole(out, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
