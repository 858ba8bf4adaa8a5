"""Alerts: what is open, on what numbers it rests, what is kept back and why, and what people do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Iterable
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Form, HTTPException, Query
from fastapi.responses import RedirectResponse, Response

from alerts.definitions import Desk
from alerts.lifecycle import ImpossibleTransition
from alerts.service import Alerts
from alerts.withholding import PlanRefused
from commands.authorisation import Right
from console.access import Operator, Viewer, Visit
from console.alarm_rows import SHELF_CHOICES_H, alarm_rows, kept_back, listed, of_desk
from console.messages import refusal_text
from console.pages import page, part
from console.snapshot import RANK, UNSEEN
from domain.alerts import Alert

router = APIRouter()
OUT_CHOICES_H = (8, 24, 24 * 7, 24 * 30)
"""Hours an alarm can be taken out of service for."""
MANY = 12
"""Above so many alerts each shows its head only, and the rest on demand: a flood must fit in the eye."""


@router.get("/alerts", response_model=None)
async def alerts_page(
    visit: Viewer,
    closed: bool = False,
    kept: bool = False,
    rank: Annotated[int | None, Query(ge=1, le=3)] = None,
    desk: Desk = Desk.NETWORK,
) -> Response:
    """Open alerts, or all of them, or those that are kept back, of one priority or of each; the table alone for htmx."""
    snapshot = await visit.console.feed.current()  # before the list, so that no change after it is missed
    services = visit.console.services
    alerts = seen_by(visit, await services.alerts.alerts(include_closed=closed), desk)
    shown = kept_back(alerts) if kept else [a for a in alerts if a.parent is None] if closed else listed(alerts, desk=desk)
    ranks = Counter(RANK[a.priority] for a in shown)
    shown = [a for a in shown if rank in (None, RANK[a.priority])]
    values: dict[str, Any] = {
        "ranks": ranks,
        "rank": rank,
        "compact": len(shown) > MANY,
        "alerts": alarm_rows(visit.texts, shown, alerts, services.inventory.site.calendar.zone, services.clock.now()),
        "zones": services.inventory.zones,
        "may": {a.key: visit.may(Right.ACKNOWLEDGE, a.zone) for a in shown},
        "may_take_out": {a.key: visit.may(Right.TAKE_OUT, a.zone) for a in shown},
        "shelf_hours": SHELF_CHOICES_H,
        "out_hours": OUT_CHOICES_H,
        "alarms": services.alarms is not None,
        "kept_count": len(kept_back(alerts)),
        "closed": closed,
        "kept": kept,
        "orders": await _open_orders(visit),
        "desk": desk.value,
        "customers": services.customers is not None and visit.user.role != "viewer",
    }
    if visit.partial:
        return part(visit, "parts/alerts.html", **values)
    return await page(visit, "alerts.html", snapshot=snapshot, **values)


@router.post("/alerts/acknowledge", response_model=None)
async def acknowledge(visit: Operator, key: Annotated[str, Form()] = "") -> Response:
    """Marks an alert as seen by this operator."""
    await acknowledge_one(visit, key)
    return await _back(visit)


@router.post("/alerts/reset", response_model=None)
async def reset(visit: Operator, key: Annotated[str, Form()] = "") -> Response:
    """Closes an alert that stays when its condition is over."""
    await do(visit, alarm_service(visit).reset(visit.user, key))
    return await _back(visit)


@router.post("/alerts/shelve", response_model=None)
async def shelve(
    visit: Operator, key: Annotated[str, Form()] = "", hours: Annotated[float, Form()] = 0, reason: Annotated[str, Form()] = ""
) -> Response:
    """Lets an alert wait."""
    until = visit.console.services.clock.now() + _span(hours)
    await do(visit, alarm_service(visit).shelve(visit.user, key, until, reason[:300]))
    return await _back(visit)


@router.post("/alerts/unshelve", response_model=None)
async def unshelve(visit: Operator, key: Annotated[str, Form()] = "") -> Response:
    """Takes an alert from the shelf."""
    await do(visit, alarm_service(visit).unshelve(visit.user, key))
    return await _back(visit)


@router.post("/alerts/take-out", response_model=None)
async def take_out(
    visit: Operator, key: Annotated[str, Form()] = "", hours: Annotated[float, Form()] = 0, reason: Annotated[str, Form()] = ""
) -> Response:
    """Takes the alarm of an alert out of service: a supervisor's decision."""
    until = visit.console.services.clock.now() + _span(hours)
    await do(visit, alarm_service(visit).take_out(visit.user, key, until, reason))
    return await _back(visit)


def seen_by(visit: Visit, alerts: Iterable[Alert], desk: Desk) -> list[Alert]:
    """A desk's alerts; what runs in houses is shown to who may act in their zone alone."""
    return [a for a in of_desk(alerts, desk) if desk is Desk.NETWORK or visit.may(Right.ACKNOWLEDGE, a.zone)]


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


async def do(visit: Visit, work: Awaitable[object]) -> None:
    """Does something to an alert or a plan, and says in the page's language why it cannot be done.

    Raises:
        HTTPException: 404 for what is not there, 409 for what cannot be.
    """
    try:
        await work
    except KeyError:
        raise HTTPException(404, visit.texts("alerts.gone")) from None
    except PlanRefused as refused:
        raise HTTPException(409, refusal_text(visit.texts, "plan_refused", refused)) from None
    except ImpossibleTransition as refused:
        raise HTTPException(409, visit.texts("alerts.impossible")) from refused


def alarm_service(visit: Visit) -> Alerts:
    """The alarm service.

    Raises:
        HTTPException: This console only shows alerts.
    """
    service = visit.console.services.alarms
    if service is None:
        raise HTTPException(404, visit.texts("alerts.gone"))
    return service


def _span(hours: float) -> timedelta:
    if not 0 < hours <= 24 * 366:  # also what is no number
        raise HTTPException(422, f"hours is {hours}; expected more than 0 and at most {24 * 366}")
    return timedelta(hours=hours)


async def _back(visit: Visit) -> Response:
    """The list as it was looked at."""
    if visit.partial:
        asked = parse_qs(urlsplit(visit.request.headers.get("hx-current-url", "")).query)
        rank = next((int(r) for r in asked.get("rank", ()) if r in ("1", "2", "3")), None)
        desk = Desk.CUSTOMERS if Desk.CUSTOMERS.value in asked.get("desk", ()) else Desk.NETWORK
        views = {name: "true" in asked.get(name, ()) for name in ("closed", "kept")}
        return await alerts_page(visit, **views, rank=rank, desk=desk)
    return RedirectResponse("/alerts", status_code=303)


async def _open_orders(visit: Visit) -> dict[str, str]:
    """Alert → its open work order: a crew is sent once."""
    work = visit.console.services.work
    return {} if work is None else {order.alert: order.key for order in await work.orders()}
