"""A finding as people read it: in words, with its alert, orders and complaints, its places and its life in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.complaint_desk import ComplaintDesk
from alerts.complaints import Heard, Verdict, heard, nearer
from alerts.finding_links import alert_of, over_at
from console.i18n import Texts
from console.numbers import number
from console.ports import ConsoleServices
from console.region_map import RegionMap, pipe_lengths, pipe_middles, region_map
from domain.alerts import Alert, AlertEvent, CrewReport, WorkOrder, WorkState
from domain.findings import Evidence, Finding, FindingKind

_SILENT = frozenset({"updated"})
"""Entries of an alert's log that tell nobody anything new."""
MOST_PLACES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A candidate pipe."""

    pipe: str
    detector: float | None
    """Probability by the pressures; None where only complaints speak."""
    probability: float
    """With the complaints counted in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of the timeline."""

    at: datetime
    key: str
    """Key of its sentence."""
    who: str = ""
    detail: str = ""
    target: str = ""
    """Address of the page it leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One evidence number, drawn on 0..100: what was seen, on what is normal."""

    evidence: Evidence
    label: str
    unit: str
    sds: float | None
    """How many standard deviations it lies off; None without one."""
    low: float
    high: float
    """The band of two standard deviations around what was expected."""
    expected: float
    observed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """Everything a finding's page shows but its series."""

    finding: Finding
    alert: Alert | None
    orders: tuple[tuple[WorkOrder, tuple[CrewReport, ...]], ...]
    heard: Heard
    places: tuple[Place, ...]
    by_complaints: bool
    """Whether complaints have moved the places."""
    map: RegionMap | None
    timeline: tuple[Step, ...]
    over_at: datetime | None


async def find_view(services: ConsoleServices, texts: Texts, finding: Finding, now: datetime) -> FindingView:
    """The finding with everything that belongs to it."""
    alert = alert_of(finding, await services.alerts.alerts_about(finding.key, finding.zone, finding.since))
    work = services.work
    history: Sequence[AlertEvent] = () if work is None or alert is None else await work.history(alert.key)
    orders: list[tuple[WorkOrder, tuple[CrewReport, ...]]] = []
    if work is not None and alert is not None:
        for order in await work.orders_of(alert.key):
            found = await work.order(order.key)
            orders.append((order, () if found is None else tuple(found[1])))
    over = over_at(finding, alert, history)
    said = await _heard(services.complaints, finding, over or now)
    places, moved = ranked_places(services, finding, said)
    marks = [(c.x, c.y, texts(f"complaint_kind.{c.kind.value}")) for c in said.complaints if c.x is not None and c.y is not None]
    return FindingView(
        finding=finding,
        alert=alert,
        orders=tuple(orders),
        heard=said,
        places=places,
        by_complaints=moved,
        map=region_map(
            services.geometry,
            finding.zone,
            places=[p.pipe for p in places],
            region=() if finding.region is None else finding.region.pipes,
            marks=marks,
        ),
        timeline=timeline(finding, history, orders, said),
        over_at=over,
    )


async def _heard(desk: ComplaintDesk | None, finding: Finding, until: datetime) -> Heard:
    return heard(finding, (), until) if desk is None else await desk.heard(finding, until)


def ranked_places(services: ConsoleServices, finding: Finding, said: Heard) -> tuple[tuple[Place, ...], bool]:
    """The most probable pipes, and whether complaints have moved them.

    Where the detectors know only the zone, each of its pipes counts by its length, and only complaints can tell one from another.
    """
    detector = {p.pipe: p.probability for p in finding.places if p.probability > 0}
    leak = finding.kind is not FindingKind.METER_FAULT
    usable = said.complaints if leak and said.verdict is Verdict.RAISED else ()
    prior = detector or (pipe_lengths(services.geometry, finding.zone) if usable else {})
    weighed = nearer(prior, pipe_middles(services.geometry, prior), usable) if prior else None
    shown = weighed or dict(sorted(detector.items(), key=lambda pair: (-pair[1], pair[0])))
    rows = [Place(pipe=pipe, detector=detector.get(pipe), probability=p) for pipe, p in shown.items()]
    return tuple(rows[:MOST_PLACES]), weighed is not None


def timeline(
    finding: Finding,
    history: Iterable[AlertEvent],
    orders: Iterable[tuple[WorkOrder, tuple[CrewReport, ...]]],
    said: Heard,
) -> tuple[Step, ...]:
    """A finding's life, oldest first: onset, finding, alert, complaints, orders, reports, proof."""
    steps = [Step(at=finding.since, key="timeline.began"), Step(at=finding.found_at, key="timeline.found")]
    steps += [
        Step(at=e.at, key=f"timeline.alert_{e.action}", who="" if e.actor == "system" else e.actor, target="/alerts")
        for e in history
        if e.action not in _SILENT
    ]
    steps += [Step(at=c.noticed_at, key="timeline.complaint", detail=f"complaint_kind.{c.kind.value}") for c in said.complaints]
    for order, reports in orders:
        page = f"/orders/{order.key}"
        steps.append(Step(at=order.created_at, key="timeline.order", who=order.created_by, target=page))
        steps += [
            Step(at=max(r.said_at, order.created_at), key=f"timeline.report_{r.kind.value}", who=r.by, target=page) for r in reports
        ]
        if order.state is WorkState.VERIFIED:
            steps.append(Step(at=order.updated_at, key="timeline.verified", target=page))
        elif order.state is WorkState.OPEN and order.reopened:
            steps.append(Step(at=order.updated_at, key="timeline.reopened", target=page))
    return tuple(sorted(steps, key=lambda s: s.at))


def percent(share: float, language: str) -> str:
    """A share in per cent that never rounds to certainty: one decimal from 98.5 % on, 99.9 % at most."""
    return number(min(share, 0.999) * 100, 1 if share >= 0.985 else 0, language)


def bars(texts: Texts, evidence: Iterable[Evidence]) -> tuple[Bar, ...]:
    """Evidence ready to be drawn."""
    return tuple(_bar(texts, e) for e in evidence)


def _bar(texts: Texts, e: Evidence) -> Bar:
    name, _, subject = e.name.partition(":")
    label = texts.find(f"finding_evidence.{name}") or name.replace("_", " ")
    low, high = e.expected - 2 * e.sd, e.expected + 2 * e.sd
    least, most = min(e.observed, low), max(e.observed, high)
    span = (most - least) or 1.0

    def place(value: float) -> float:
        return round(8.0 + (value - least) / span * 84.0, 1)

    return Bar(
        evidence=e,
        label=f"{label} {subject}".strip(),
        unit={"1": "", "m3/h": "m³/h"}.get(e.unit, e.unit),
        sds=(e.observed - e.expected) / e.sd if e.sd > 0 else None,
        low=place(low),
        high=place(high),
        expected=place(e.expected),
        observed=place(e.observed),
    )
