"""The facts of a run, gathered from both ends: the edges' own counts, the database, the town's truth, the same hours run again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.audit import audit_is_whole
from app.demo.layout import DemoState
from app.demo.report import Delivery, PlantedLeak, RunFacts, Seen, Setpoints
from app.files import read_json
from app.local import LocalServices
from app.site import demo_site
from domain.inventory import Inventory
from domain.setpoints import Source
from storage.accounts import Accounts, read_accounts
from storage.database import Database
from storage.roles import Role

LEAKS = ("burst", "creeping_leak")


def gather_facts(services: LocalServices, inventory: Inventory, state: DemoState) -> RunFacts:
    """Everything the verdict rests on; call it when all parts have stopped but the database."""
    from simulator.compare import compare_live

    accounts, whole = asyncio.run(_ask(services))
    comparison = compare_live(demo_site(), services.layout.town)
    return RunFacts(
        seed=state.seed,
        scenario=state.scenario,
        start=state.live_start,
        end=comparison.end,
        delivery=Delivery(
            spooled=_spooled(services, inventory),
            rows=accounts.rows,
            ledger_stored=accounts.stored,
            repeated=accounts.repeated,
            dead_letters=accounts.dead,
        ),
        leaks=_planted(services),
        findings=[Seen(zone=n.zone, at=n.at, code=n.word) for n in accounts.findings if n.at >= state.live_start],
        alerts=[Seen(zone=n.zone, at=n.at, code=n.word) for n in accounts.alerts],
        setpoints=_setpoints(accounts),
        fixed_m3=comparison.fixed.leak_m3,
        controlled_m3=comparison.controlled.leak_m3,
        customer_minutes_below=comparison.controlled.customer_minutes_below,
        audit_whole=whole,
    )


async def _ask(services: LocalServices) -> tuple[Accounts, bool]:
    async with Database(services.dsn(Role.COMMAND), size=2) as database:
        return await read_accounts(database, source=Source.LAW.value), await audit_is_whole(database) is None


def _spooled(services: LocalServices, inventory: Inventory) -> int:
    """Numbers given out at the edges, by the edges' own last word."""
    return sum(int(read_json(services.layout.gateway(node) / "status.json").get("spooled", 0)) for node in inventory.gateways)


def _planted(services: LocalServices) -> Sequence[PlantedLeak]:
    faults: list[dict[str, Any]] = read_json(services.layout.town / "truth.json").get("faults", [])
    return [
        PlantedLeak(
            zone=str(f["zone"]), start=datetime.fromisoformat(f["start"]), flow_m3h=float(f["flow_m3h"]), kind=str(f["kind"])
        )
        for f in faults
        if f["kind"] in LEAKS
    ]


def _setpoints(accounts: Accounts) -> Setpoints:
    states = accounts.orders
    ordered = sum(states.values())
    verified, refused = states.get("verified", 0), states.get("refused", 0)
    return Setpoints(ordered=ordered, verified=verified, refused=refused + accounts.refusals, other=ordered - verified - refused)
