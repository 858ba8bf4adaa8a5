"""Leaks behind customers' meters: the list of those who call customers, and each with the hours of its meter.

What runs in a house is its people's own affair: these pages are for who may act in the zone, not for everybody who may look.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from fastapi import APIRouter, HTTPException, Query
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse

from commands.authorisation import Right
from console.access import Operator, Visit
from console.meter_plot import MeterPlot, meter_plot
from console.pages import page
from console.trends import jsonable
from domain.alerts import Alert
from domain.customers import CustomerFinding, CustomerKind
from domain.ports import CustomerReader
from domain.series import FloatArray
from leak_detection.customer_hours import HOUR_S, hourly_use, meter_swaps

router = APIRouter()
_KEPT_DAYS = 90
_BEFORE, _MOST = timedelta(days=4), timedelta(days=21)


@router.get("/customers")
async def customers_page(visit: Operator, closed: bool = False) -> HTMLResponse:
    """What runs now, the largest flow first, or everything of the last months."""
    rows = await _findings(visit, closed=closed, zone=None, days=_KEPT_DAYS)
    rows.sort(key=lambda f: (not f.open, f.kind is CustomerKind.CONTINUOUS, -f.flow_m3h, f.key))
    zones, alerts = visit.console.services.inventory.zones, await _alerts(visit)
    flow = sum(f.flow_m3h for f in rows if f.open)
    return await page(visit, "customers.html", rows=rows, closed=closed, zones=zones, days=_KEPT_DAYS, alerts=alerts, flow=flow)


@router.get("/customers/{key}")
async def customer_page(visit: Operator, key: str) -> HTMLResponse:
    """One leak."""
    found = await _finding(visit, key)
    start, use = await _hours(visit, found)
    alert = (await _alerts(visit)).get(found.key)
    shown = None if alert is None else visit.alert_rows([alert])[0]
    return await page(
        visit, "customer.html", finding=found, zone=visit.console.services.inventory.zones.get(found.zone),
        plot=_plot(visit, found, start, use), shown=shown, unseen=shown is not None and shown.unseen,
        hours=list(zip((start + timedelta(hours=k) for k in range(use.size)), jsonable(use), strict=True)),
    )  # fmt: skip


@router.get("/api/v1/customers")
async def customers(
    visit: Operator, closed: bool = False, zone: str | None = None, days: int = Query(default=_KEPT_DAYS, ge=1, le=3650)
) -> JSONResponse:
    """Leaks behind customers' meters, oldest onset first."""
    return JSONResponse([_plain(f) for f in await _findings(visit, closed=closed, zone=zone, days=days)])


@router.get("/api/v1/customers/{key}")
async def customer(visit: Operator, key: str, series: bool = False) -> JSONResponse:
    """One leak with its alert; ``series`` adds the hours its page draws [L/h]."""
    found = await _finding(visit, key)
    alert = (await _alerts(visit)).get(found.key)
    body = _plain(found) | {"alert": None if alert is None else alert.key}
    if series:
        start, use = await _hours(visit, found)
        body["series"] = {"start": start.isoformat(), "use_l_h": jsonable(use)}
    return JSONResponse(body)


def _reader(visit: Visit) -> CustomerReader:
    reader = visit.console.services.customers
    if reader is None:
        raise HTTPException(404, "this console knows no customers' meters")
    return reader


async def _findings(visit: Visit, *, closed: bool, zone: str | None, days: int) -> list[CustomerFinding]:
    since = visit.console.services.clock.now() - timedelta(days=days) if closed else None
    rows = await _reader(visit).customer_findings(ended_since=since)
    return [f for f in rows if zone in (None, f.zone) and visit.may(Right.ACKNOWLEDGE, f.zone)]


async def _finding(visit: Visit, key: str) -> CustomerFinding:
    found = await _reader(visit).customer_findings(key=key) if key.isprintable() else ()
    if not found:
        raise HTTPException(404, f"there is no leak of a customer {key[:80]!r}")
    visit.need(Right.ACKNOWLEDGE, found[0].zone)
    return found[0]


async def _alerts(visit: Visit) -> dict[str, Alert]:
    """Finding → its alert that is not closed."""
    known = await visit.console.services.alerts.alerts()
    return {a.finding: a for a in sorted(known, key=lambda a: a.active) if a.finding is not None}


async def _hours(visit: Visit, found: CustomerFinding) -> tuple[datetime, FloatArray]:
    """Use of the meter from days before the onset until now, three weeks at most [L/h], and when the first hour begins."""
    services = visit.console.services
    now, point = services.clock.now(), services.inventory.points.get(found.meter)
    first_s = (found.since - _BEFORE).timestamp() // HOUR_S * HOUR_S
    hours = round(min((now.timestamp() - first_s) // HOUR_S, _MOST / timedelta(hours=1)))
    start = datetime.fromtimestamp(first_s, UTC)
    if point is None or hours <= 0:
        return start, np.zeros(0)
    use = await hourly_use(services.series, [point], meter_swaps(services.inventory), start_s=first_s, hours=hours)
    return start, use.get(point.key, np.full(hours, np.nan))


def _plot(visit: Visit, found: CustomerFinding, start: datetime, use: FloatArray) -> MeterPlot | None:
    if not np.isfinite(use).any():
        return None
    level = 1000 * (found.flow_m3h + found.usual_m3h)
    local = visit.console.services.inventory.site.calendar.zone
    return meter_plot(use, start, since=found.since, found=found.found_at, level_l_h=level, local=local)


def _plain(found: CustomerFinding) -> dict[str, Any]:
    body: dict[str, Any] = jsonable_encoder(asdict(found))
    moments = {name: getattr(found, name) for name in ("since", "found_at", "seen_at", "ended_at")}
    texts = {name: None if at is None else at.isoformat() for name, at in moments.items()}
    return body | texts | {"kind": found.kind.value, "open": found.open, "volume_m3": round(found.volume_m3, 3)}
