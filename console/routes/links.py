"""The page behind a message's link: shows the alert; its button acknowledges. The signed link itself is the permission."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from alerts.link_desk import Linked
from console.messages import alert_text
from console.runtime import runtime

router = APIRouter()


@router.get("/a/{token}")
async def show(request: Request, token: str) -> HTMLResponse:
    """What the message was about. Acknowledges nothing: previews open links too."""
    desk = runtime(request).services.links
    return _page(request, token, None if desk is None else await desk.read(token), done=False)


@router.post("/a/{token}")
async def acknowledge(request: Request, token: str) -> HTMLResponse:
    """Acknowledges for the recipient of the message."""
    desk = runtime(request).services.links
    return _page(request, token, None if desk is None else await desk.acknowledge(token), done=True)


def _page(request: Request, token: str, linked: Linked | None, *, done: bool) -> HTMLResponse:
    console = runtime(request)
    if linked is None:
        raise HTTPException(404, "this link is not valid, or no longer")
    texts = console.catalogues[linked.language]
    site = console.services.inventory.site
    shown = None if linked.alert is None else alert_text(texts, linked.alert, site.calendar.zone)
    zone = None if linked.alert is None else console.services.inventory.zones.get(linked.alert.zone or "")
    values: dict[str, Any] = {
        "token": token,
        "linked": linked,
        "shown": shown,
        "zone": "" if zone is None else zone.names.get(linked.language, zone.key),
        "done": done,
    }
    return console.renderer.page("link.html", texts, **values)
