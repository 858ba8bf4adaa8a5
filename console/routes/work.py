"""Work orders: the list, the page a crew has on its telephone, and what crews report. Reports and photographs may be sent again and
again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerts.complaint_desk import plain_text
from alerts.finding_links import findings_of
from alerts.pictures import LARGEST_BYTES, PictureRefused
from alerts.work_service import WorkDesk, WorkRefused
from commands.authorisation import Right
from console.access import Operator, Viewer, Visit
from console.finding_view import find_view
from console.messages import alert_text, refusal_text
from console.pages import page
from console.region_map import region_map
from domain.alerts import Alert, CrewReport, ReportKind, WorkOrder
from domain.findings import Finding
from domain.photos import Photo

router = APIRouter()
KEY = "^[A-Za-z0-9_.:-]+$"
"""Keys made by telephones and other senders."""
_WORKER = Path(__file__).parents[1] / "static" / "js" / "orders-worker.js"


class ReportBody(BaseModel):
    """What a crew says; ``key`` is made on the telephone, ``said_at`` is its clock."""

    model_config = ConfigDict(extra="forbid")
    key: str = Field(min_length=8, max_length=64, pattern=KEY)
    order: str = Field(max_length=200)
    kind: ReportKind
    said_at: AwareDatetime
    note: str = Field(default="", max_length=1000)


@router.get("/orders", response_model=None)
async def work_list(visit: Viewer, closed: bool = False) -> Response:
    """Orders and where each stands."""
    orders = await _desk(visit).orders(include_closed=closed)
    alerts = {a.key: a for a in await visit.console.services.alerts.alerts(include_closed=closed)}
    rows = [(o, _shown(visit, alerts.get(o.alert) or await _alert(visit, o.alert))) for o in orders]
    return await page(visit, "work.html", rows=rows, closed=closed, zones=visit.console.services.inventory.zones)


@router.post("/orders", response_model=None)
async def create(visit: Operator, alert: Annotated[str, Form()] = "") -> Response:
    """Sends a crew for an alert."""
    found = await _alert(visit, alert)
    if found is None:
        raise HTTPException(404, f"there is no alert {alert[:80]!r}")
    visit.need(Right.ACKNOWLEDGE, found.zone)
    try:
        order = await _desk(visit).create(alert, visit.user.name)
    except KeyError:
        raise HTTPException(404, f"there is no open alert {alert[:80]!r}") from None
    except WorkRefused as refused:
        raise _refusal(visit, refused) from None
    return RedirectResponse(f"/orders/{order.key}", status_code=303)


@router.get("/orders-worker.js")
async def worker() -> FileResponse:
    """The service worker, from the root so that it may serve the crews' pages."""
    return FileResponse(_WORKER, media_type="text/javascript")


@router.get("/orders/{key}", response_model=None)
async def order_page(visit: Viewer, key: str) -> Response:
    """One order, for a telephone: what, where, what was said, and buttons to say more."""
    order, reports = await _order(visit, key)
    alert = await _alert(visit, order.alert)
    may = visit.may(Right.ACKNOWLEDGE, order.zone)
    services = visit.console.services
    found = await _finding(visit, alert)
    seen = None if found is None else await find_view(services, visit.texts, found, services.clock.now())
    values: dict[str, Any] = {
        "order": order,
        "reports": reports,
        "shown": _shown(visit, alert),
        "crew_text": visit.texts.find(f"alert.{alert.code}.crew") if alert else None,
        "zone": services.inventory.zones.get(order.zone),
        "may": may,
        "seen": seen,
        "map": region_map(services.geometry, order.zone) if seen is None else seen.map,
        "photos": await _desk(visit).photos(order.key) if may else (),
        "takes_photos": _desk(visit).takes_photos,
        "user": visit.user,
        "csrf": visit.session.csrf_token,
        "work_texts": visit.texts.group("outbox"),
    }
    return visit.console.renderer.page("order.html", visit.texts, **values)


@router.post("/api/v1/orders/reports")
async def report(visit: Operator, body: ReportBody) -> JSONResponse:
    """Takes a report; the same key again changes nothing and answers the same."""
    order, _ = await _order(visit, body.order)
    visit.need(Right.ACKNOWLEDGE, order.zone)
    said = CrewReport(
        key=body.key,
        order=body.order,
        kind=body.kind,
        said_at=_possible(body.said_at),
        by=visit.user.name,
        note=plain_text(body.note),
    )
    try:
        after = await _desk(visit).report(said)
    except WorkRefused as refused:
        raise _refusal(visit, refused) from None
    return JSONResponse({"order": after.key, "state": after.state.value})


@router.post("/api/v1/orders/photos")
async def add_photo(
    visit: Operator,
    request: Request,
    key: Annotated[str, Query(min_length=8, max_length=64, pattern=KEY)],
    order: Annotated[str, Query(max_length=200)],
    said_at: Annotated[AwareDatetime, Query()],
) -> JSONResponse:
    """Takes a photograph, its body the bytes of a JPEG, PNG or WebP file; the same key again changes nothing."""
    found, _ = await _order(visit, order)
    visit.need(Right.ACKNOWLEDGE, found.zone)
    content = await _body(request)
    try:
        photo = await _desk(visit).add_photo(key, found.key, _possible(said_at), visit.user.name, content)
    except (PictureRefused, WorkRefused) as refused:
        raise _refusal(visit, refused) from None
    return JSONResponse(_plain_photo(photo))


@router.get("/orders/{key}/photos/{photo}", response_model=None)
async def photo_bytes(visit: Viewer, key: str, photo: str) -> Response:
    """A photograph, for who may act in the order's zone: it may show more than a pipe."""
    order, _ = await _order(visit, key)
    visit.need(Right.ACKNOWLEDGE, order.zone)
    found = await _desk(visit).photo(key, photo) if photo.isprintable() else None
    if found is None:
        raise HTTPException(404, f"there is no photograph {photo[:80]!r}")
    kept, content = found
    name = f"inline; filename=photo.{kept.media_type.removeprefix('image/')}"
    return Response(content, media_type=kept.media_type, headers={"content-disposition": name})


@router.get("/api/v1/orders/{key}/photos")
async def photos(visit: Viewer, key: str) -> JSONResponse:
    """What is known of an order's photographs."""
    order, _ = await _order(visit, key)
    visit.need(Right.ACKNOWLEDGE, order.zone)
    return JSONResponse([_plain_photo(photo) for photo in await _desk(visit).photos(key)])


@router.get("/api/v1/orders")
async def orders(visit: Viewer, closed: bool = False) -> JSONResponse:
    """Orders as JSON."""
    found = await _desk(visit).orders(include_closed=closed)
    return JSONResponse([_plain(order) for order in found])


def _plain(order: WorkOrder) -> dict[str, Any]:
    return {
        "key": order.key,
        "alert": order.alert,
        "zone": order.zone,
        "state": order.state.value,
        "created_at": order.created_at.isoformat(),
        "repaired_at": None if order.repaired_at is None else order.repaired_at.isoformat(),
        "reopened": order.reopened,
        "night_before_m3h": order.night_before_m3h,
        "night_after_m3h": order.night_after_m3h,
    }


def _plain_photo(photo: Photo) -> dict[str, Any]:
    return {
        "key": photo.key,
        "order": photo.order,
        "taken_at": photo.taken_at.isoformat(),
        "by": photo.by,
        "media_type": photo.media_type,
        "width": photo.width,
        "height": photo.height,
        "size_bytes": photo.size_bytes,
        "address": f"/orders/{photo.order}/photos/{photo.key}",
    }


def _refusal(visit: Visit, refused: PictureRefused | WorkRefused) -> HTTPException:
    """Why it cannot be, in the language of who asked: a crew reads it on its telephone."""
    no_picture = 413 if refused.code == "picture_too_large" else 415
    status = no_picture if isinstance(refused, PictureRefused) else 409
    return HTTPException(status, refusal_text(visit.texts, "work_refused", refused))


async def _body(request: Request) -> bytes:
    """The request's bytes, and not one more than a picture may have."""
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > LARGEST_BYTES:
            raise HTTPException(413, f"a photograph has at most {LARGEST_BYTES} bytes")
    return bytes(content)


async def _finding(visit: Visit, alert: Alert | None) -> Finding | None:
    """The finding that an order's alert stands for."""
    reader = visit.console.services.findings
    if reader is None or alert is None:
        return None
    rows = await reader.findings(key=alert.finding) if alert.finding else ()
    found = findings_of(alert, rows or await reader.findings(since=alert.raised_at))
    return next(iter(found), None)


def _possible(moment: datetime) -> datetime:
    """A telephone's time as the database can keep it."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise HTTPException(422, "said_at lies outside the years a clock can show") from None


def _desk(visit: Visit) -> WorkDesk:
    desk = visit.console.services.work
    if desk is None:
        raise HTTPException(404, "this console keeps no work orders")
    return desk


async def _order(visit: Visit, key: str) -> tuple[WorkOrder, tuple[CrewReport, ...]]:
    found = await _desk(visit).order(key) if key.isprintable() else None
    if found is None:
        raise HTTPException(404, f"there is no work order {key[:80]!r}")
    return found[0], tuple(found[1])


async def _alert(visit: Visit, key: str) -> Alert | None:
    return await visit.console.services.alerts.alert(key) if key.isprintable() else None


def _shown(visit: Visit, alert: Alert | None) -> Any:
    return None if alert is None else alert_text(visit.texts, alert, visit.console.services.inventory.site.calendar.zone)
