"""Findings: what the detectors believe, on what it rests, where it may be, and what has been done about it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse

from commands.authorisation import Right
from console.access import Viewer, Visit
from console.finding_series import FindingSeries, finding_series
from console.finding_view import FindingView, bars, find_view, percent
from console.pages import page
from domain.findings import Finding, FindingKind
from domain.ports import FindingReader

router = APIRouter()
_KEPT_DAYS = 90


@router.get("/findings")
async def findings_page(visit: Viewer, closed: bool = False, zone: str | None = None) -> HTMLResponse:
    """What is open, the largest loss first, or everything of the last months."""
    rows = await _findings(visit, closed=closed, zone=zone, days=_KEPT_DAYS)
    rows.sort(key=lambda f: (not f.open, f.kind is FindingKind.METER_FAULT, -f.flow_m3h, f.key))
    zones = visit.console.services.inventory.zones
    network = visit.console.services.network
    return await page(
        visit, "findings.html", rows=rows, closed=closed, zones=zones, percent=percent, days=_KEPT_DAYS,
        network=None if network is None else network(),
        customers=visit.console.services.customers is not None and visit.user.role != "viewer",
    )  # fmt: skip


@router.get("/findings/{key}")
async def finding_page(visit: Viewer, key: str) -> HTMLResponse:
    """One finding."""
    view = await _view(visit, key)
    finding, alert = view.finding, view.alert
    zone = visit.console.services.inventory.zones.get(finding.zone)
    series = await _series(visit, finding)
    open_order = any(o.state.value != "verified" for o, _ in view.orders)
    return await page(
        visit, "finding.html", view=view, finding=finding, zone=zone, series=series, bars=bars(visit.texts, finding.evidence),
        drawn=None if series is None else series.document() | _marks(view), money=_money(visit),
        cause=finding.cause.partition(":"), shown=None if alert is None else visit.alert_rows([alert])[0],
        may=visit.may(Right.ACKNOWLEDGE, finding.zone), may_send=_may_send(visit, view) and not open_order,
        percent=percent,
        hours=[] if series is None else series.hours(),
    )  # fmt: skip


@router.get("/api/v1/findings")
async def findings(
    visit: Viewer, closed: bool = False, zone: str | None = None, days: int = Query(default=_KEPT_DAYS, ge=1, le=3650)
) -> JSONResponse:
    """Findings as JSON, oldest onset first."""
    rows = await _findings(visit, closed=closed, zone=zone, days=days)
    return JSONResponse([_plain(visit, finding) for finding in rows])


@router.get("/api/v1/network")
async def network(visit: Viewer) -> JSONResponse:
    """The layer that knows pipes: from what it learnt, how far it has looked, what makes its places less sure; ``null`` without."""
    status = visit.console.services.network
    return JSONResponse(None if status is None else jsonable_encoder(asdict(status())))


@router.get("/api/v1/findings/{key}")
async def finding(visit: Viewer, key: str, series: bool = False) -> JSONResponse:
    """One finding with its links, what complaints say of it, its places and its life; ``series`` adds what its page draws."""
    view = await _view(visit, key)
    said = view.heard
    body = _plain(visit, view.finding) | {
        "over_at": _iso(view.over_at),
        "alert": None if view.alert is None else view.alert.key,
        "orders": [{"key": o.key, "state": o.state.value, "reopened": o.reopened} for o, _ in view.orders],
        "complaints": {
            "verdict": said.verdict.value,
            "keys": [c.key for c in said.complaints],
            "independent": said.independent,
            "usual": round(said.usual, 3),
            "confidence": said.confidence,
        },
        "ranked": [asdict(place) for place in view.places],
        "timeline": [{"at": _iso(s.at), "what": s.key.removeprefix("timeline."), "who": s.who} for s in view.timeline],
    }
    if series:
        drawn = await _series(visit, view.finding)
        body["series"] = None if drawn is None else drawn.document()
    return JSONResponse(body)


async def _view(visit: Visit, key: str) -> FindingView:
    services = visit.console.services
    found = await _reader(visit).findings(key=key) if key.isprintable() else ()
    if not found:
        raise HTTPException(404, f"there is no finding {key[:80]!r}")
    return await find_view(services, visit.texts, found[0], services.clock.now())


async def _findings(visit: Visit, *, closed: bool, zone: str | None, days: int) -> list[Finding]:
    now = visit.console.services.clock.now()
    rows = await _reader(visit).findings(since=now - timedelta(days=days) if closed else now)
    return [f for f in rows if (f.open or closed) and zone in (None, f.zone)]


async def _series(visit: Visit, found: Finding) -> FindingSeries | None:
    services = visit.console.services
    zone = services.inventory.zones.get(found.zone)
    if zone is None:
        return None
    return await finding_series(services.series, services.nights, zone, since=found.since, now=services.clock.now())


def _marks(view: FindingView) -> dict[str, Any]:
    """Moments that the charts draw as lines."""
    repaired = [o.repaired_at for o, _ in view.orders if o.repaired_at is not None]
    moments = {"since": view.finding.since, "found": view.finding.found_at, "repaired": max(repaired, default=None)}
    return {"marks": {name: at.timestamp() for name, at in moments.items() if at is not None}}


def _may_send(visit: Visit, view: FindingView) -> bool:
    """Whether a crew may be sent: a leak with an alert that still stands, in a zone this person holds."""
    alert = view.alert
    leak = view.finding.kind is not FindingKind.METER_FAULT
    stands = alert is not None and alert.active and alert.zone is not None and view.finding.open
    return leak and stands and visit.console.services.work is not None and visit.may(Right.ACKNOWLEDGE, view.finding.zone)


def _reader(visit: Visit) -> FindingReader:
    reader = visit.console.services.findings
    if reader is None:
        raise HTTPException(404, "this console knows no findings")
    return reader


def _money(visit: Visit) -> str:
    """The unit of money a day; empty where no price is configured."""
    water = visit.console.services.inventory.site.factors.water
    return "" if water is None else water.unit.partition("/")[0]


def _plain(visit: Visit, found: Finding) -> dict[str, Any]:
    body: dict[str, Any] = jsonable_encoder(asdict(found))
    return body | {"kind": found.kind.value, "since": _iso(found.since), "found_at": _iso(found.found_at), "money": _money(visit)}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
