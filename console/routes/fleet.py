"""The fleet: gateways and what they delivered."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from console.access import Viewer
from console.pages import page, part

router = APIRouter()


@router.get("/fleet")
async def fleet_page(visit: Viewer) -> HTMLResponse:
    """Gateways, rows stored, dead letters, numbers still missing; the table alone for htmx."""
    services = visit.console.services
    gateways = await services.fleet.gateways_now()
    names = {f"{g.group}/{g.node}": g.name for g in services.inventory.gateways.values()}
    values: dict[str, Any] = {"gateways": gateways, "names": names, "now": services.clock.now()}
    if visit.partial:
        return part(visit, "parts/fleet.html", **values)
    return await page(visit, "fleet.html", **values)
