"""The same as JSON, for integrators: reading, and the steps of the desk. Same session, same rights, same interlocks.

POST /api/v1/session {"name", "password"}  →  cookie + {"csrf_token"}; send it back as header X-CSRF-Token with every POST
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from console.access import Operator, Viewer, Visit
from console.desk_steps import checked_reason, mode_end, parse_mode
from console.messages import reason_text
from console.routes.alerts import acknowledge_one
from console.routes.auth import check_login, set_session_cookie
from console.routes.desk import find_actuator, look_up
from console.runtime import runtime
from domain.setpoints import Reason, Refused, outcome_word
from domain.two_people import ApprovalRequest

router = APIRouter(prefix="/api/v1")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LogIn(_Body):
    """A name and its password."""

    name: str = Field(max_length=100)
    password: str = Field(max_length=256)


class ProposeBody(_Body):
    """A wish for a setpoint [m] and why."""

    value_m: float = Field(allow_inf_nan=False)
    reason: str = Field(max_length=400)


class SelectBody(_Body):
    """The proposal to select."""

    proposal_id: str = Field(max_length=200)


class ExecuteBody(_Body):
    """The selection to execute, and the value once more [m]."""

    selection_id: str = Field(max_length=200)
    confirm_value_m: float = Field(allow_inf_nan=False)


class ApproveBody(_Body):
    """The value once more [m]."""

    confirm_value_m: float = Field(allow_inf_nan=False)


class DeclineBody(_Body):
    """Why not."""

    reason: str = Field(max_length=400)


class ModeBody(_Body):
    """A mode, its length for manual [process h], and why."""

    mode: str = Field(max_length=20)
    hours: int | None = None
    reason: str = Field(max_length=400)


class AcknowledgeBody(_Body):
    """The alert to acknowledge."""

    key: str = Field(max_length=300)


@router.post("/session")
async def log_in(request: Request, body: LogIn) -> JSONResponse:
    """Opens a session. JSON only: a form of another site cannot send it."""
    console = runtime(request)
    if "application/json" not in request.headers.get("content-type", ""):
        raise HTTPException(415, "send application/json")
    found = await check_login(console, request, body.name, body.password)
    if isinstance(found, str):
        return JSONResponse({"error": found}, status_code=429 if found == "login.locked" else 401)
    response = JSONResponse({"user": found.user_name, "csrf_token": found.csrf_token})
    set_session_cookie(console, request, response, found)
    return response


@router.get("/session")
async def session(visit: Viewer) -> JSONResponse:
    """Who is logged in, and the token to send with every POST."""
    user = visit.user
    return JSONResponse({"user": user.name, "role": user.role, "zones": sorted(user.zones), "csrf_token": visit.session.csrf_token})


@router.get("/openapi.json")
async def openapi(visit: Viewer) -> JSONResponse:
    """The description of this API."""
    return JSONResponse(visit.request.app.openapi())


@router.get("/zones")
async def zones(visit: Viewer) -> JSONResponse:
    """Zones and actuators as of now."""
    snapshot = await visit.console.feed.current()
    body = {"now": snapshot.now, "problem": snapshot.problem, "zones": snapshot.zones, "actuators": snapshot.actuators}
    return JSONResponse(jsonable_encoder(body))


@router.get("/alerts")
async def alerts(visit: Viewer, closed: bool = False) -> JSONResponse:
    """Alerts with their text in the session's language."""
    rows = visit.alert_rows(await visit.console.services.alerts.alerts(include_closed=closed))
    return JSONResponse(jsonable_encoder([{**jsonable_encoder(r.alert), "title": r.text.title, "rank": r.rank} for r in rows]))


@router.post("/alerts/acknowledge")
async def acknowledge(visit: Operator, body: AcknowledgeBody) -> JSONResponse:
    """Marks an alert as seen."""
    await acknowledge_one(visit, body.key)
    return JSONResponse({"acknowledged": body.key})


@router.get("/commands")
async def commands(visit: Viewer, actuator: str | None = None, limit: int = Query(default=50, ge=1, le=500)) -> JSONResponse:
    """Commands with their outcome, newest first."""
    rows = await visit.console.services.commands.commands(actuator=actuator, limit=limit)
    return JSONResponse(_finite(jsonable_encoder(list(rows))))


@router.get("/commands/{command_id}")
async def command(visit: Viewer, command_id: str, wait_s: float = Query(default=0, ge=0, le=30)) -> JSONResponse:
    """The outcome of a command; ``null`` while there is none."""
    outcome, row = await look_up(visit, command_id, wait_s)
    if outcome is None and row is None:
        raise HTTPException(404, f"there is no command {command_id[:60]!r}")
    state = outcome_word(outcome) if outcome is not None else (row.state if row else "pending")
    return JSONResponse(_finite({"state": state, "outcome": jsonable_encoder(outcome), "command": jsonable_encoder(row)}))


@router.get("/actuators/{key}/preview")
async def preview(visit: Operator, key: str, value_m: float = Query(allow_inf_nan=False)) -> JSONResponse:
    """The predicted effect of a setpoint; nothing is kept."""
    actuator = find_actuator(visit, key)
    effect = await visit.console.services.desk.preview(actuator.key, value_m)
    return JSONResponse(_finite(jsonable_encoder(effect)))


@router.post("/actuators/{key}/propose")
async def propose(visit: Operator, key: str, body: ProposeBody) -> JSONResponse:
    """Step 1."""
    actuator = find_actuator(visit, key)
    why = checked_reason(body.reason)
    if isinstance(why, Reason):
        return _refused(visit, (why,))
    answer = await visit.console.services.desk.propose(visit.user, actuator.key, body.value_m, why)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    return JSONResponse(_finite({"proposal": jsonable_encoder(answer.proposal), "effect": jsonable_encoder(answer.effect)}))


@router.post("/actuators/{key}/select")
async def select(visit: Operator, key: str, body: SelectBody) -> JSONResponse:
    """Step 2."""
    find_actuator(visit, key)
    answer = await visit.console.services.desk.select(visit.user, body.proposal_id)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    left_s = max(0.0, answer.ends_at_s - visit.console.services.monotonic())
    return JSONResponse({"selection_id": answer.selection_id, "expires_in_s": left_s})


@router.post("/actuators/{key}/execute")
async def execute(visit: Operator, key: str, body: ExecuteBody) -> JSONResponse:
    """Step 3: the command is on its way; ask for its outcome."""
    find_actuator(visit, key)
    answer = await visit.console.services.desk.execute(visit.user, body.selection_id, body.confirm_value_m)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    if isinstance(answer, ApprovalRequest):
        return JSONResponse({"approval": _approval(visit, answer)}, status_code=202)
    return JSONResponse({"command": jsonable_encoder(answer)}, status_code=202)


@router.get("/approvals")
async def approvals(visit: Viewer) -> JSONResponse:
    """Orders that wait for a second person, in the zones this person sees."""
    return JSONResponse([_approval(visit, request) for request in await visit.console.services.desk.approvals(visit.user)])


@router.post("/approvals/{request_id}/approve")
async def approve(visit: Operator, request_id: str, body: ApproveBody) -> JSONResponse:
    """The second person's yes, with the value typed again."""
    answer = await visit.console.services.desk.approve(visit.user, request_id, body.confirm_value_m)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    return JSONResponse({"command": jsonable_encoder(answer)}, status_code=202)


@router.post("/approvals/{request_id}/decline")
async def decline(visit: Operator, request_id: str, body: DeclineBody) -> JSONResponse:
    """The second person's no, or the first one's withdrawal."""
    why = checked_reason(body.reason)
    if isinstance(why, Reason):
        return _refused(visit, (why,))
    answer = await visit.console.services.desk.decline(visit.user, request_id, why)
    if isinstance(answer, Refused):
        return _refused(visit, answer.reasons)
    return JSONResponse({"approval": _approval(visit, answer)})


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


@router.post("/actuators/{key}/mode")
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


def _refused(visit: Visit, reasons: Sequence[Reason]) -> JSONResponse:
    body = [{"code": r.code, "text": r.text, "message": reason_text(visit.texts, r)} for r in reasons]
    return JSONResponse({"refused": body}, status_code=409)


def _finite(value: Any) -> Any:
    """The same with null for what JSON has no number for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return value
