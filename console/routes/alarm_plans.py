"""Plans that keep alarms back: works and flushing in a zone, alarms that are out of service. By whom, why, from when to when."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import RedirectResponse, Response

from alerts.withholding import LONGEST, LONGEST_REASON
from commands.authorisation import Right
from console.access import Operator, Viewer, Visit
from console.pages import page
from console.routes.alerts import alarm_service, do
from domain.alerts import Withholding, WithholdingKind

router = APIRouter()
_WORKS = (WithholdingKind.MAINTENANCE, WithholdingKind.FLUSHING)


@router.get("/alerts/plans")
async def plans_page(visit: Viewer) -> Response:
    """Plans that hold or are to come, and the form for a new one."""
    services = visit.console.services
    zones = services.inventory.zones
    plans = await alarm_service(visit).plans()
    local = services.clock.now().astimezone(services.inventory.site.calendar.zone)
    return await page(
        visit,
        "alerts_plans.html",
        plans=plans,
        zones=zones,
        held=[z for z in zones.values() if visit.may(Right.SHELVE, z.key)],
        may={p.key: visit.may(_right(p.kind), p.zone) for p in plans},
        kinds=_WORKS,
        begins=local.strftime("%Y-%m-%dT%H:%M"),
        now=services.clock.now(),
        longest=LONGEST_REASON,
    )


@router.post("/alerts/plans", response_model=None)
async def make_plan(
    visit: Operator,
    kind: Annotated[str, Form(max_length=30)] = "",
    zone: Annotated[str, Form(max_length=100)] = "",
    starts_at: Annotated[str, Form(max_length=30)] = "",
    hours: Annotated[float, Form()] = 0,
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Keeps back what works in a zone will cause."""
    found = next((k for k in _WORKS if k.value == kind), None)
    if found is None:
        raise HTTPException(409, visit.texts("plan_refused.unknown_kind"))
    start = _local_time(visit, starts_at)
    if not 0 < hours <= LONGEST[found] / timedelta(hours=1):  # also what is no number
        raise HTTPException(409, visit.texts("plan_refused.bad_plan_end"))
    plan = Withholding(
        key=f"plan:{secrets.token_hex(6)}",
        kind=found,
        zone=zone or None,
        code=None,
        subject=None,
        by=visit.user.name,
        reason=reason,
        starts_at=start,
        ends_at=start + timedelta(hours=hours),
    )
    await do(visit, alarm_service(visit).plan(visit.user, plan))
    return RedirectResponse("/alerts/plans", status_code=303)


@router.post("/alerts/plans/end", response_model=None)
async def end_plan(visit: Operator, key: Annotated[str, Form(max_length=400)] = "") -> Response:
    """Ends a plan now: what it kept back and is still there alarms."""
    await do(visit, alarm_service(visit).end_plan(visit.user, key))
    return RedirectResponse("/alerts/plans", status_code=303)


def _local_time(visit: Visit, text: str) -> datetime:
    """A time on the utility's clock; now where none is given."""
    now = visit.console.services.clock.now()
    if not text:
        return now
    try:
        found = datetime.fromisoformat(text).replace(tzinfo=visit.console.services.inventory.site.calendar.zone).astimezone(UTC)
    except (ValueError, OverflowError):  # no time, or one that no calendar has
        raise HTTPException(409, visit.texts("plan_refused.bad_plan_end")) from None
    # A form shows whole minutes: what was meant as "now" must not lie before it.
    return now if abs(now - found) < timedelta(minutes=2) else found


def _right(kind: WithholdingKind) -> Right:
    return Right.TAKE_OUT if kind is WithholdingKind.OUT_OF_SERVICE else Right.SHELVE
