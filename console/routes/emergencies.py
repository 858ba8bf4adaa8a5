"""Emergencies: declared for a zone by one person, confirmed by another, ended by anybody who could declare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console.access import Operator, Viewer, Visit
from console.desk_steps import checked_reason
from console.emergency_view import LENGTHS_MIN, banner_rows, emergency_rows, may_declare, places
from console.messages import reason_texts
from console.pages import page, part
from domain.setpoints import Reason, Refused
from domain.two_people import Emergency

router = APIRouter()
Text = Annotated[str, Form()]


@router.get("/emergencies")
async def emergencies(visit: Viewer) -> HTMLResponse:
    """What is declared, and the form to declare."""
    return await _show(visit)


@router.get("/fragments/emergencies")
async def banner(visit: Viewer) -> HTMLResponse:
    """The head of every page, asked for anew while it is open."""
    return part(visit, "parts/emergency_banner.html", emergencies=await banner_rows(visit))


@router.post("/emergencies", response_model=None)
async def declare(visit: Operator, zone: Text = "", minutes: Text = "", reason: Text = "") -> Response:
    """Declares it at every valve of the zone that this person may declare it for."""
    if zone not in visit.console.services.inventory.zones:
        raise HTTPException(404, f"there is no zone {zone[:60]!r}")
    why = checked_reason(reason)
    if isinstance(why, Reason):
        return await _show(visit, (why,), zone=zone, reason=reason)
    if minutes not in {str(m) for m in LENGTHS_MIN}:
        text = f"an emergency needs an end: one of {', '.join(str(m) for m in LENGTHS_MIN)} min"
        return await _show(visit, (Reason(code="emergency_end", text=text),), zone=zone, reason=reason)
    refused = await _declare_all(visit, zone, int(minutes) * 60.0, why)
    return await _show(visit, refused, zone=zone, reason=reason) if refused else _back()


@router.post("/emergencies/{emergency_id}/confirm", response_model=None)
async def confirm(visit: Operator, emergency_id: str) -> Response:
    """The second person's yes to exactly this one."""
    return await _answer(visit, await visit.console.services.desk.confirm_emergency(visit.user, emergency_id))


@router.post("/emergencies/{emergency_id}/end", response_model=None)
async def end(visit: Operator, emergency_id: str, reason: Text = "") -> Response:
    """Ends it before its time."""
    why = checked_reason(reason)
    if isinstance(why, Reason):
        return await _show(visit, (why,))
    return await _answer(visit, await visit.console.services.desk.end_emergency(visit.user, emergency_id, why))


async def _declare_all(visit: Visit, zone: str, lasts_s: float, why: str) -> tuple[Reason, ...]:
    """What was refused. Where this person may declare nothing, the desk is asked all the same: it refuses, and audits that."""
    services = visit.console.services
    held = [a for a in may_declare(visit) if a.zone == zone]
    anyone = [a for a in services.inventory.actuators.values() if a.zone == zone][:1]
    if not anyone:
        return (Reason(code="no_valve", text="nothing can be ordered in this zone: there is no valve an emergency could be for"),)
    refused: list[Reason] = []
    for actuator in held or anyone:
        answer = await services.desk.declare_emergency(visit.user, actuator.key, lasts_s, why)
        if isinstance(answer, Refused):
            refused.extend(answer.reasons)
    return tuple(refused)


async def _answer(visit: Visit, answer: Emergency | Refused) -> Response:
    return await _show(visit, answer.reasons) if isinstance(answer, Refused) else _back()


def _back() -> RedirectResponse:
    return RedirectResponse("/emergencies", status_code=303)


async def _show(visit: Visit, refused: Sequence[Reason] = (), *, zone: str = "", reason: str = "") -> HTMLResponse:
    return await page(
        visit, "emergencies.html", status=409 if refused else 200, rows=await emergency_rows(visit), places=places(visit),
        lengths=LENGTHS_MIN, refusals=reason_texts(visit.texts, refused), chosen=zone, reason=reason,
    )  # fmt: skip
