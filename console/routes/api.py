"""The same as JSON, for integrators: reading, and logging in. The steps of the desk are in ``api_desk``.

POST /api/v1/session {"name", "password"}  →  cookie + {"csrf_token"}; send it back as header X-CSRF-Token with every POST
"""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse

from alerts.definitions import Desk
from console.access import Operator, Viewer
from console.api_models import (
    AcknowledgeBody,
    Acknowledged,
    AlertNow,
    CommandNow,
    LogIn,
    SessionNow,
    SessionOpened,
    ZonesNow,
)
from console.openapi import describe
from console.pages import page
from console.routes.alerts import acknowledge_one, seen_by
from console.routes.auth import check_login, set_session_cookie
from console.routes.desk import look_up
from console.runtime import runtime
from domain.ports_commands import CommandRow
from domain.setpoints import outcome_word

router = APIRouter(prefix="/api/v1")
pages = APIRouter()


@router.post("/session", response_model=SessionOpened)
async def log_in(request: Request, body: LogIn) -> JSONResponse:
    """Opens a session. JSON only: a form of another site cannot send it."""
    console = runtime(request)
    if "application/json" not in request.headers.get("content-type", ""):
        raise HTTPException(415, "send application/json")
    found = await check_login(console, request, body.name, body.password)
    if isinstance(found, str):
        return JSONResponse({"error": found, "detail": ""}, status_code=429 if found == "login.locked" else 401)
    response = JSONResponse({"user": found.user_name, "csrf_token": found.csrf_token})
    set_session_cookie(console, request, response, found)
    return response


@router.get("/session", response_model=SessionNow)
async def session(visit: Viewer) -> JSONResponse:
    """Who is logged in, and the token to send with every POST."""
    user = visit.user
    return JSONResponse({"user": user.name, "role": user.role, "zones": sorted(user.zones), "csrf_token": visit.session.csrf_token})


@router.get("/openapi.json", response_model=dict[str, Any])
async def openapi(visit: Viewer) -> JSONResponse:
    """The description of this API."""
    return JSONResponse(describe(visit.request.app))


@pages.get("/api")
async def api_page(visit: Viewer) -> HTMLResponse:
    """The same for people."""
    document = describe(visit.request.app)
    operations = [
        (path, method.upper(), operation) for path, methods in document["paths"].items() for method, operation in methods.items()
    ]
    return await page(visit, "api.html", description=document["info"]["description"], operations=operations)


@router.get("/zones", response_model=ZonesNow)
async def zones(visit: Viewer) -> JSONResponse:
    """Zones and actuators as of now."""
    snapshot = await visit.console.feed.current()
    body = {"now": snapshot.now, "problem": snapshot.problem, "zones": snapshot.zones, "actuators": snapshot.actuators}
    return JSONResponse(jsonable_encoder(body))


@router.get("/alerts", response_model=list[AlertNow])
async def alerts(visit: Viewer, closed: bool = False, desk: Desk = Desk.NETWORK) -> JSONResponse:
    """Alerts of a desk with their text in the session's language."""
    rows = visit.alert_rows(seen_by(visit, await visit.console.services.alerts.alerts(include_closed=closed), desk))
    return JSONResponse(jsonable_encoder([{**jsonable_encoder(r.alert), "title": r.text.title, "rank": r.rank} for r in rows]))


@router.post("/alerts/acknowledge", response_model=Acknowledged)
async def acknowledge(visit: Operator, body: AcknowledgeBody) -> JSONResponse:
    """Marks an alert as seen."""
    await acknowledge_one(visit, body.key)
    return JSONResponse({"acknowledged": body.key})


@router.get("/commands", response_model=list[CommandRow])
async def commands(visit: Viewer, actuator: str | None = None, limit: int = Query(default=50, ge=1, le=500)) -> JSONResponse:
    """Commands with their outcome, newest first."""
    rows = await visit.console.services.commands.commands(actuator=actuator, limit=limit)
    return JSONResponse(finite(jsonable_encoder(list(rows))))


@router.get("/commands/{command_id}", response_model=CommandNow)
async def command(visit: Viewer, command_id: str, wait_s: float = Query(default=0, ge=0, le=30)) -> JSONResponse:
    """The outcome of a command; ``null`` while there is none."""
    outcome, row = await look_up(visit, command_id, wait_s)
    if outcome is None and row is None:
        raise HTTPException(404, f"there is no command {command_id[:60]!r}")
    state = outcome_word(outcome) if outcome is not None else (row.state if row else "pending")
    return JSONResponse(finite({"state": state, "outcome": jsonable_encoder(outcome), "command": jsonable_encoder(row)}))


def finite(value: Any) -> Any:
    """The same with null for what JSON has no number for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [finite(v) for v in value]
    return value
