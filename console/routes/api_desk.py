"""The steps of the desk as JSON. Same session, same rights, same interlocks as the pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Query
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from console.access import Operator, Viewer, Visit
from console.api_models import (
    ApprovalAnswer,
    ApprovalNow,
    ApproveBody,
    EmergencyAnswer,
    EmergencyBody,
    EmergencyNow,
    ExecuteBody,
    ModeAnswer,
    ModeBody,
    Ordered,
    ProposeBody,
    Proposed,
    ReasonBody,
    SelectBody,
    Selected,
)
from console.desk_steps import checked_reason, mode_end, parse_mode
from console.messages import reason_text
from console.routes.api import finite
from console.routes.desk import find_actuator
from domain.setpoints import PredictedEffect, Reason, Refused
from domain.two_people import ApprovalRequest, Emergency

router = APIRouter(prefix="/api/v1")


@router.get("/actuators/{key}/preview", response_model=PredictedEffect)
async def preview(visit: Operator, key: str, value_m: float = Query(allow_inf_nan=False)) -> JSONResponse:
    """The predicted effect of a setpoint; nothing is kept."""
    actuator = find_actuator(visit, key)
    effect = await visit.console.services.desk.preview(actuator.key, value_m)
    return JSONResponse(finite(jsonable_encoder(effect)))


@router.post("/actuators/{key}/propose", response_model=Proposed)
async def propose(visit: Operator, key: str, body: ProposeBody) -> JSONResponse:
    """Step 1: a wish, checked by every rule."""
    actuator = find_actuator(visit, key)
    why = checked_reason(body.reason)
    if isinstance(why, Reason):
        return _refused(visit, (why,))
    answer = await visit.console.services.desk.propose(visit.user, actuator.key, body.value_m, why)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    return JSONResponse(finite({"proposal": jsonable_encoder(answer.proposal), "effect": jsonable_encoder(answer.effect)}))


@router.post("/actuators/{key}/select", response_model=Selected)
async def select(visit: Operator, key: str, body: SelectBody) -> JSONResponse:
    """Step 2: the actuator is reserved."""
    find_actuator(visit, key)
    answer = await visit.console.services.desk.select(visit.user, body.proposal_id)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    left_s = max(0.0, answer.ends_at_s - visit.console.services.monotonic())
    return JSONResponse({"selection_id": answer.selection_id, "expires_in_s": left_s})


@router.post("/actuators/{key}/execute", status_code=202, response_model=Ordered | ApprovalAnswer)
async def execute(visit: Operator, key: str, body: ExecuteBody) -> JSONResponse:
    """Step 3: the command is on its way, or the order waits for a second person."""
    find_actuator(visit, key)
    answer = await visit.console.services.desk.execute(visit.user, body.selection_id, body.confirm_value_m)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    if isinstance(answer, ApprovalRequest):
        return JSONResponse({"approval": _approval(visit, answer)}, status_code=202)
    return JSONResponse({"command": jsonable_encoder(answer)}, status_code=202)


@router.post("/actuators/{key}/mode", response_model=ModeAnswer)
async def mode(visit: Operator, key: str, body: ModeBody) -> JSONResponse:
    """Who moves the actuator."""
    actuator = find_actuator(visit, key)
    wished, why = parse_mode(body.mode), checked_reason(body.reason)
    if isinstance(wished, Reason) or isinstance(why, Reason):
        return _refused(visit, [r for r in (wished, why) if isinstance(r, Reason)])
    until = mode_end(wished, "" if body.hours is None else str(body.hours), visit.console.services.clock.now())
    if isinstance(until, Reason):
        return _refused(visit, (until,))
    answer = await visit.console.services.desk.set_mode(visit.user, actuator.key, wished, until, why)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    return JSONResponse({"mode": jsonable_encoder(answer)})


@router.get("/approvals", response_model=list[ApprovalNow])
async def approvals(visit: Viewer) -> JSONResponse:
    """Orders that wait for a second person, in the zones this person sees."""
    found = await visit.console.services.desk.approvals(visit.user)
    return JSONResponse([_approval(visit, request) for request in found])


@router.post("/approvals/{request_id}/approve", status_code=202, response_model=Ordered)
async def approve(visit: Operator, request_id: str, body: ApproveBody) -> JSONResponse:
    """The second person's yes, with the value typed again."""
    answer = await visit.console.services.desk.approve(visit.user, request_id, body.confirm_value_m)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    return JSONResponse({"command": jsonable_encoder(answer)}, status_code=202)


@router.post("/approvals/{request_id}/decline", response_model=ApprovalAnswer)
async def decline(visit: Operator, request_id: str, body: ReasonBody) -> JSONResponse:
    """The second person's no, or the first one's withdrawal."""
    why = checked_reason(body.reason)
    if isinstance(why, Reason):
        return _refused(visit, (why,))
    answer = await visit.console.services.desk.decline(visit.user, request_id, why)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    return JSONResponse({"approval": _approval(visit, answer)})


@router.get("/emergencies", response_model=list[EmergencyNow])
async def emergencies(visit: Viewer) -> JSONResponse:
    """Emergencies that are not over, confirmed or not, in the zones this person sees."""
    found = await visit.console.services.desk.emergencies(visit.user)
    return JSONResponse([_emergency(visit, one) for one in found])


@router.post("/emergencies", status_code=201, response_model=EmergencyAnswer)
async def declare(visit: Operator, body: EmergencyBody) -> JSONResponse:
    """Says that there is one at a valve; it allows nothing before another confirms it."""
    find_actuator(visit, body.actuator)
    why = checked_reason(body.reason)
    if isinstance(why, Reason):
        return _refused(visit, (why,))
    answer = await visit.console.services.desk.declare_emergency(visit.user, body.actuator, body.lasts_s, why)
    return _emergency_answer(visit, answer, 201)


@router.post("/emergencies/{emergency_id}/confirm", response_model=EmergencyAnswer)
async def confirm(visit: Operator, emergency_id: str) -> JSONResponse:
    """The second person's yes to exactly this one."""
    return _emergency_answer(visit, await visit.console.services.desk.confirm_emergency(visit.user, emergency_id), 200)


@router.post("/emergencies/{emergency_id}/end", response_model=EmergencyAnswer)
async def end(visit: Operator, emergency_id: str, body: ReasonBody) -> JSONResponse:
    """Ends it before its time."""
    why = checked_reason(body.reason)
    if isinstance(why, Reason):
        return _refused(visit, (why,))
    return _emergency_answer(visit, await visit.console.services.desk.end_emergency(visit.user, emergency_id, why), 200)


def _approval(visit: Visit, request: ApprovalRequest) -> dict[str, Any]:
    """A request; ``expires_in_s`` is wall time."""
    return {
        "request_id": request.request_id,
        "actuator": request.proposal.actuator,
        "value_m": request.proposal.value_m,
        "current_m": request.current_m,
        "asked_by": request.asked_by,
        "reason": request.proposal.reason,
        "because": [{"code": r.code, "text": reason_text(visit.texts, r)} for r in request.because],
        "expires_in_s": round(max(0.0, (request.ends_at - visit.console.services.wall()).total_seconds()), 1),
    }


def _emergency_answer(visit: Visit, answer: Emergency | Refused, status: int) -> JSONResponse:
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    return JSONResponse({"emergency": _emergency(visit, answer)}, status_code=status)


def _emergency(visit: Visit, one: Emergency) -> dict[str, Any]:
    actuator = visit.console.services.inventory.actuators[one.actuator]
    plain: dict[str, Any] = jsonable_encoder(one)
    return plain | {
        "zone": actuator.zone,
        "in_force": one.holds(visit.console.services.clock.now()),
        "allows_m": max(actuator.ramp_up_m, actuator.ramp_up_emergency_m),
        "instead_of_m": actuator.ramp_up_m,
    }


def _refused(visit: Visit, reasons: Sequence[Reason]) -> JSONResponse:
    body = [{"code": r.code, "text": r.text, "message": reason_text(visit.texts, r)} for r in reasons]
    return JSONResponse({"refused": body}, status_code=409)
