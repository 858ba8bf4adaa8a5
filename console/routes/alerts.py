"""Alerts: what is open, on what numbers it rests, and who has seen it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import RedirectResponse, Response

from commands.authorisation import Right
from console.access import Operator, Viewer, Visit
from console.pages import page, part
from console.snapshot import UNSEEN
from domain.alerts import Alert

router = APIRouter()


@router.get("/alerts", response_model=None)
async def alerts_page(visit: Viewer, closed: bool = False) -> Response:
    """Open alerts, or all of them; the table alone for htmx."""
    snapshot = await visit.console.feed.current()  # before the list, so that no change after it is missed
    alerts = await visit.console.services.alerts.alerts(include_closed=closed)
    values: dict[str, Any] = {
        "alerts": visit.alert_rows(alerts),
        "zones": visit.console.services.inventory.zones,
        "may": {a.key: visit.may(Right.ACKNOWLEDGE, a.zone) for a in alerts},
        "closed": closed,
        "orders": await _open_orders(visit),
    }
    if visit.partial:
        return part(visit, "parts/alerts.html", **values)
    return await page(visit, "alerts.html", snapshot=snapshot, **values)


@router.post("/alerts/acknowledge", response_model=None)
async def acknowledge(visit: Operator, key: Annotated[str, Form()] = "") -> Response:
    """Marks an alert as seen by this operator."""
    await acknowledge_one(visit, key)
    if visit.partial:
        return await alerts_page(visit)
    return RedirectResponse("/alerts", status_code=303)


async def _open_orders(visit: Visit) -> dict[str, str]:
    """Alert → its open work order: a crew is sent once."""
    work = visit.console.services.work
    return {} if work is None else {order.alert: order.key for order in await work.orders()}


async def acknowledge_one(visit: Visit, key: str) -> None:
    """Acknowledges, if the alert exists and the user holds its zone; acknowledging twice is no error."""
    found: Alert | None = next((a for a in await visit.console.services.alerts.alerts() if a.key == key), None)
    if found is None:
        raise HTTPException(404, f"there is no open alert {key[:80]!r}")
    visit.need(Right.ACKNOWLEDGE, found.zone)
    if found.state not in UNSEEN:
        return
    try:
        await visit.console.services.acknowledge(visit.user, key)
    except KeyError:
        raise HTTPException(404, f"there is no open alert {key[:80]!r}") from None
