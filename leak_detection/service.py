"""Leak detection as the control room runs it: one call every few minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

import numpy as np

from domain.customers import CustomerFinding
from domain.findings import Finding, FindingKind
from domain.inventory import Inventory
from domain.points import PointKey
from domain.ports import CustomerReader, FindingReader, FindingStore, MeterSums, RepairReader, SeriesSource
from domain.series import FloatArray
from domain.zones import Zone
from leak_detection.balance_service import BalanceService
from leak_detection.customer_water import explained, without_customers
from leak_detection.inputs import ZoneInputs
from leak_detection.learned import Learned, Span, learn
from leak_detection.life import REOPEN_S
from leak_detection.monitor import update
from leak_detection.network_book import NetworkBook
from leak_detection.network_leaks import NETWORK
from leak_detection.network_match import is_same_water, nearest
from leak_detection.network_merge import adopted
from leak_detection.network_service import NetworkService
from leak_detection.zone_grids import ZoneGrids

_LEARN_EVERY_S = 86400.0
_AROUND_S = 1800.0
_LONGEST = timedelta(days=730)
"""How far back findings that are over may still be a leak of the network layer's past."""


class LeakDetection:
    """Watches every zone that has inlets.

    Args:
        inventory: Zones, points and valves.
        series: Where readings come from.
        findings: Where findings are kept; open ones are read at the first tick.
        history_days: How far back it learns from.
        step_s: Width of a bucket [s]; by default five minutes, or so wide that each of a zone's own meters says something in it.
        meters: Hours of the customers' meters; with them, zones that have enough of these are balanced, too.
        network: The layer that knows pipes; None where the site names no network.
        past: Findings that are over, for ``network``: what was told once is not told again after a restart.
        repairs: What crews have repaired, for ``network``; it counts where the zone's inflow can prove it.
        customers: Leaks behind customers' meters, which are no loss of a zone.
    """

    def __init__(
        self,
        inventory: Inventory,
        series: SeriesSource,
        findings: FindingStore,
        *,
        history_days: int = 28,
        step_s: float | None = None,
        meters: MeterSums | None = None,
        network: NetworkService | None = None,
        past: FindingReader | None = None,
        repairs: RepairReader | None = None,
        customers: CustomerReader | None = None,
    ) -> None:
        self._customers, self._history = customers, timedelta(days=history_days)
        self._behind: dict[str, list[CustomerFinding]] = {}
        self._network, self._past, self._repairs = network, past, repairs
        self._book: NetworkBook | None = None
        self._calendar = inventory.site.calendar
        self._zones = inventory.metered_zones()
        self._findings = findings
        self._grids = ZoneGrids(inventory, series, span_s=history_days * 86400.0, step_s=step_s)
        self._open: dict[str, Finding] | None = None
        self._closed: dict[str, tuple[Finding, float]] = {}
        self._learned: dict[str, Learned] = {}
        self._spans: dict[str, dict[str, Span]] = {z.key: {} for z in self._zones}
        # The others wait for the next tick, so that none is long; hourly ticks reach all within a day.
        self._learn_budget = max(1, ceil(len(self._zones) * max(self._grids.widest_s, 3600.0) / _LEARN_EVERY_S))
        self._factors = inventory.site.factors
        self._balances = (
            None
            if meters is None
            else BalanceService(self._zones, self._calendar, meters, history_days=history_days, neighbours=inventory.neighbours())
        )

    async def tick(self, now: datetime) -> Sequence[Finding]:
        """Looks at every zone; findings that are new or have changed, already saved."""
        if self._open is None:
            self._open = {f.key: f for f in await self._findings.open_findings()}
        fresh = await self._grids.refresh(now)
        if self._zones and not fresh:
            return ()
        changed: list[Finding] = []
        budget = self._learn_budget
        await self._read_customers(now)
        if self._balances is not None and self._zones:
            await self._balances.refresh(self._grids.end_s(), self._grids.inputs)
        for zone in [z for z in self._zones if z.key in fresh or self._is_balance_news(z)]:
            inputs = self._losses(zone)
            if self._due(zone, inputs) and (budget > 0 or zone.key not in self._learned):
                self._teach(zone, inputs)
                budget -= 1
            learned = self._learned.get(zone.key)
            if learned is not None:
                changed += self._judged(zone, inputs, learned, self._open)
        await self._keep(changed)
        if self._network is not None:
            placed = await self._placed(self._network, now)
            await self._keep(placed)
            changed += placed
        return changed

    async def _read_customers(self, now: datetime) -> None:
        """What runs, or ran in the days that are looked at, behind customers' meters, by zone."""
        if self._customers is None:
            return
        self._behind = {}
        for leak in await self._customers.customer_findings(ended_since=now - self._history):
            self._behind.setdefault(leak.zone, []).append(leak)

    def _losses(self, zone: Zone) -> ZoneInputs:
        """A zone as its detectors see it, without what its customers let run."""
        return without_customers(self._grids.inputs(zone), self._behind.get(zone.key, ()))

    def _is_balance_news(self, zone: Zone) -> bool:
        """Whether the balance has just seen something in a zone; said now, whether or not its own grid has a new bucket."""
        view = None if self._balances is None else self._balances.views.get(zone.key)
        return view is not None and bool(view.detections)

    def _judged(self, zone: Zone, inputs: ZoneInputs, learned: Learned, known: dict[str, Finding]) -> list[Finding]:
        """What the zone's inflow says that is new; of what the network layer has told already, evidence for that."""
        view = self._balances.views.get(zone.key) if self._balances is not None else None
        theirs = [f for f in known.values() if f.detector == NETWORK]
        mine = [f for f in known.values() if f.detector != NETWORK]
        changed = []
        for finding in update(inputs, learned, mine, balance=view, recent=self._recent(inputs)):
            same = [] if finding.key in known else [f for f in theirs if is_same_water(f, finding)]
            told = nearest(finding.since, same)
            said = finding if told is None else adopted(told, finding)
            changed.append(self._priced(explained(said, self._behind.get(zone.key, ()))))
        return changed

    async def _placed(self, network: NetworkService, now: datetime) -> list[Finding]:
        """What the network layer says that is new."""
        repairs = () if self._repairs is None else await self._repairs.repairs(now - _LONGEST)
        leaks = await network.tick(now, [(r.at, r.pipe) for r in repairs if r.proved and r.pipe is not None])
        if self._open is None:
            return []
        if self._book is None:
            self._book = NetworkBook([] if self._past is None else await self._past.findings(since=now - _LONGEST))
        zones = {z.key: z for z in self._zones}

        def zone_now(key: str) -> tuple[ZoneInputs, Learned] | None:
            learned = self._learned.get(key)
            return None if learned is None else (self._losses(zones[key]), learned)

        return [
            self._priced(f)
            for f in self._book.settle(leaks, self._open, zone_now, network.span, {r.finding: r.at for r in repairs})
        ]

    async def _keep(self, changed: Sequence[Finding]) -> None:
        for finding in changed:
            self._note(finding)
        if changed:
            await self._findings.save_findings(changed)

    def _priced(self, finding: Finding) -> Finding:
        """With what its water costs a day, where the site says what water costs."""
        leak = finding.kind is not FindingKind.METER_FAULT
        return replace(
            finding,
            money_a_day=self._factors.money_a_day(finding.flow_m3h) if leak else None,
            co2_kg_a_day=self._factors.co2_kg_a_day(finding.flow_m3h) if leak else None,
        )

    def night_leakage(self, zone: str) -> float | None:
        """Loss of a zone at night at its usual pressure [m³/h]: night flow less lawful use; None while unknown."""
        learned = self._learned.get(zone)
        return None if learned is None or not learned.nights.day.size else learned.leakage.flow_m3h

    def night_flow(self, zone: str) -> float | None:
        """Typical minimum night flow of a zone at its usual pressure [m³/h]; None while unknown."""
        learned = self._learned.get(zone)
        if learned is None or not learned.nights.day.size:
            return None
        return float(np.median(learned.nights.flow_m3h))

    def grid(self, point: PointKey) -> FloatArray:
        """Bucket means of a point as used by the last tick, oldest first; NaN where missing."""
        return self._grids.values(point)

    def _due(self, zone: Zone, inputs: ZoneInputs) -> bool:
        learned = self._learned.get(zone.key)
        if learned is None or inputs.end_s - learned.until_s >= _LEARN_EVERY_S:
            return True
        # A history that came in after the first lesson is worth a second one.
        return int(np.isfinite(inputs.inflow_m3h).sum()) > 1.1 * learned.samples

    def _teach(self, zone: Zone, inputs: ZoneInputs) -> None:
        learned = learn(inputs, self._excluded(zone, inputs))
        if learned is not None:
            self._learned[zone.key] = learned

    def _excluded(self, zone: Zone, inputs: ZoneInputs) -> list[Span]:
        """Windows of findings: what is wrong must not become what is normal."""
        spans = [s for s in self._spans[zone.key].values() if s.end_s > inputs.start_s]
        mine = [f for f in (self._open or {}).values() if f.zone == zone.key and f.detector != NETWORK]
        return spans + [Span(start_s=f.since.timestamp() - _AROUND_S, end_s=inputs.end_s) for f in mine]

    def _recent(self, inputs: ZoneInputs) -> list[Finding]:
        """Findings of the zone that were closed in the last days."""
        self._closed = {k: (f, s) for k, (f, s) in self._closed.items() if inputs.end_s - s <= REOPEN_S}
        return [f for f, _ in self._closed.values() if f.zone == inputs.zone.key]

    def _note(self, finding: Finding) -> None:
        if self._open is None:
            return
        if finding.open:
            self._open[finding.key] = finding
            self._closed.pop(finding.key, None)
            self._spans.get(finding.zone, {}).pop(finding.key, None)
            return
        self._open.pop(finding.key, None)
        if self._book is not None:
            self._book.over(finding)
        if finding.detector == NETWORK:
            return
        end = self._grids.end_s((finding.zone,))
        self._closed[finding.key] = (finding, end)
        span = Span(start_s=finding.since.timestamp() - _AROUND_S, end_s=end)
        self._spans.setdefault(finding.zone, {})[finding.key] = span
