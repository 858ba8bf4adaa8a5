"""Complaints: entered by whoever answers the telephone, listed by zone. Callers' numbers are seen by who may act in the zone."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerts.complaint_desk import ComplaintDesk, ComplaintRefused
from alerts.complaints import WEIGHT
from commands.authorisation import Right
from console.access import Operator, Viewer, Visit
from console.numbers import parse_number
from console.pages import page, part
from console.region_map import region_map, zone_at
from console.routes.work import KEY
from domain.complaints import Complaint, ComplaintKind
from domain.setpoints import Reason

router = APIRouter()
_SHOWN_DAYS = 30


class ComplaintBody(BaseModel):
    """A complaint; ``key`` is made by the sender, and the same key again is the same complaint."""

    model_config = ConfigDict(extra="forbid")
    key: str = Field(min_length=8, max_length=64, pattern=KEY)
    kind: ComplaintKind
    noticed_at: AwareDatetime
    zone: str | None = Field(default=None, max_length=100)
    x: float | None = Field(default=None, allow_inf_nan=False, ge=-1e8, le=1e8)
    y: float | None = Field(default=None, allow_inf_nan=False, ge=-1e8, le=1e8)
    address: str = Field(default="", max_length=200)
    text: str = Field(default="", max_length=1000)
    phone: str = Field(default="", max_length=24)


class ComplaintForm(BaseModel):
    """The same as the page's form sends it: times on the utility's clock, numbers as people write them."""

    key: str = Field(default="", max_length=64)
    kind: str = ""
    noticed_at: str = Field(default="", max_length=30)
    zone: str = Field(default="", max_length=100)
    x: str = Field(default="", max_length=24)
    y: str = Field(default="", max_length=24)
    address: str = Field(default="", max_length=400)
    text: str = Field(default="", max_length=2000)
    phone: str = Field(default="", max_length=60)
    csrf_token: str = ""


@router.get("/complaints")
async def complaints_page(visit: Viewer, zone: str | None = None, taken: bool = False) -> HTMLResponse:
    """The last complaints, of one zone or of all, and the form for a new one."""
    return await _page(visit, zone=zone or None, taken=taken)


@router.post("/complaints", response_model=None)
async def take(visit: Operator, form: Annotated[ComplaintForm, Form()]) -> Response:
    """Takes a complaint out of the form; one that cannot be is shown again with the reason."""
    _desk(visit)
    try:
        await _take(visit, _of_form(visit, form))
    except ComplaintRefused as refused:
        return await _page(visit, zone=None, form=form, refused=refused, status=422)
    return RedirectResponse("/complaints?taken=true", status_code=303)


@router.get("/fragments/complaint-place")
async def place_part(visit: Viewer, zone: str = "") -> HTMLResponse:
    """The map of a zone to point at; empty for a zone that cannot be drawn."""
    return part(visit, "parts/complaint_place.html", map=region_map(visit.console.services.geometry, zone) if zone else None)


@router.get("/api/v1/complaints")
async def complaints(
    visit: Viewer,
    zone: str | None = None,
    days: int = Query(default=_SHOWN_DAYS, ge=1, le=366),
    limit: int = Query(default=500, ge=1, le=2000),
) -> JSONResponse:
    """Complaints as JSON, newest first."""
    since = visit.console.services.clock.now() - timedelta(days=days)
    _known(visit, zone)
    rows = await _desk(visit).complaints(since=since, zone=zone, limit=limit)
    return JSONResponse([_plain(visit, row) for row in rows])


@router.post("/api/v1/complaints")
async def take_json(visit: Operator, body: ComplaintBody) -> JSONResponse:
    """Takes a complaint; the same key again changes nothing and answers the same."""
    _desk(visit)
    if body.zone is not None and body.zone not in visit.console.services.inventory.zones:
        raise HTTPException(422, f"there is no zone {body.zone[:60]!r}")
    try:
        values = body.model_dump() | {"noticed_at": _possible(body.noticed_at), "phone": body.phone or None}
        kept = await _take(visit, values)
    except ComplaintRefused as refused:
        raise HTTPException(422, str(refused)) from None
    return JSONResponse({"key": body.key, "zone": kept.zone})


async def _take(visit: Visit, values: dict[str, Any]) -> Complaint:
    """Keeps a complaint; one with a point and no zone belongs to the zone of the nearest pipe."""
    services = visit.console.services
    if values["zone"] is None and values["x"] is not None and values["y"] is not None:
        values = values | {"zone": zone_at(services.geometry, values["x"], values["y"])}
    if values["zone"] is not None:
        visit.need(Right.ACKNOWLEDGE, values["zone"])
    complaint = Complaint(**values, taken_at=services.clock.now(), taken_by=visit.user.name)
    await _desk(visit).take(complaint)
    return complaint


def _of_form(visit: Visit, form: ComplaintForm) -> dict[str, Any]:
    zones = visit.console.services.inventory.zones
    if form.kind not in set(ComplaintKind):
        raise ComplaintRefused("no_kind", f"{form.kind[:40]!r} is no kind of complaint")
    if form.zone and form.zone not in zones:
        raise ComplaintRefused("no_zone", f"there is no zone {form.zone[:60]!r}")
    return {
        "key": form.key if len(form.key) >= 8 and re.match(KEY, form.key) else secrets.token_hex(16),
        "kind": ComplaintKind(form.kind),
        "noticed_at": _local(visit, form.noticed_at),
        "zone": form.zone or None,
        "x": _coordinate(form.x),
        "y": _coordinate(form.y),
        "address": form.address,
        "text": form.text,
        "phone": form.phone or None,
    }


def _coordinate(text: str) -> float | None:
    value = parse_number(text) if text.strip() else None
    if isinstance(value, Reason):
        raise ComplaintRefused("no_point", f"{text[:24]!r} is no coordinate in metres")
    return value


def _local(visit: Visit, text: str) -> datetime:
    """A moment of the utility's clock; now where none is given."""
    services = visit.console.services
    if not text:
        return services.clock.now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ComplaintRefused("noticed_when", f"{text[:30]!r} is no moment such as 2026-05-06T09:00") from None
    return _possible(moment if moment.tzinfo else moment.replace(tzinfo=services.inventory.site.calendar.zone))


def _possible(moment: datetime) -> datetime:
    """A moment in UTC, if it has one."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ComplaintRefused("noticed_when", "the moment lies outside the years a clock can show") from None


async def _page(
    visit: Visit,
    *,
    zone: str | None,
    taken: bool = False,
    form: ComplaintForm | None = None,
    refused: ComplaintRefused | None = None,
    status: int = 200,
) -> HTMLResponse:
    services = visit.console.services
    now = services.clock.now()
    _known(visit, zone)
    rows = await _desk(visit).complaints(since=now - timedelta(days=_SHOWN_DAYS), zone=zone)
    zones = services.inventory.zones
    here = now.astimezone(services.inventory.site.calendar.zone)
    may = {z for z in {row.zone for row in rows} if visit.may(Right.ACKNOWLEDGE, z)}
    return await page(
        visit, "complaints.html", status=status, rows=rows, zone=zone, zones=zones, may=may, taken=taken, refused=refused,
        form=form or ComplaintForm(key=secrets.token_hex(16), noticed_at=f"{here:%Y-%m-%dT%H:%M}", zone=zone or ""),
        held=[z for z in zones.values() if z.inlets and visit.may(Right.ACKNOWLEDGE, z.key)], kinds=list(ComplaintKind),
        telling={k for k, weight in WEIGHT.items() if weight > 0}, phone_days=_desk(visit).phone_days, days=_SHOWN_DAYS,
        counted=[z for z in zones.values() if z.inlets],
    )  # fmt: skip


def _plain(visit: Visit, row: Complaint) -> dict[str, Any]:
    """A complaint as JSON; the caller's number only for who may act in its zone."""
    body = {
        "key": row.key,
        "kind": row.kind.value,
        "noticed_at": row.noticed_at.isoformat(),
        "taken_at": row.taken_at.isoformat(),
        "taken_by": row.taken_by,
        "zone": row.zone,
        "x": row.x,
        "y": row.y,
        "address": row.address,
        "text": row.text,
    }
    return body | ({"phone": row.phone} if visit.may(Right.ACKNOWLEDGE, row.zone) else {})


def _known(visit: Visit, zone: str | None) -> None:
    if zone is not None and zone not in visit.console.services.inventory.zones:
        raise HTTPException(404, f"there is no zone {zone[:60]!r}")


def _desk(visit: Visit) -> ComplaintDesk:
    desk = visit.console.services.complaints
    if desk is None:
        raise HTTPException(404, "this console takes no complaints")
    return desk
