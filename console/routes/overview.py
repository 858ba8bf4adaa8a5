"""The first page: the network on a map, the zones in a table, what is open and what was last ordered."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from console.access import Viewer, Visit
from console.pages import page, part
from console.trends import inflow_lines, sparkline
from domain.ports import CommandRow
from domain.setpoints import Source

router = APIRouter()
_ALERTS = 6
_COMMANDS = 5
_LOOK_BACK = 60


@router.get("/")
async def overview(visit: Viewer) -> HTMLResponse:
    """The overview."""
    services = visit.console.services
    snapshot = await visit.console.feed.current()  # before the lists, so that no change after it is missed
    lines, alerts, commands = await asyncio.gather(_sparklines(visit), services.alerts.alerts(), _last_moves(visit))
    return await page(
        visit, "overview.html", snapshot=snapshot, zones=services.inventory.zones, lines=lines,
        zone_names={z.key: z.name(visit.texts.language) for z in services.inventory.metered_zones()},
        alerts=visit.alert_rows(alerts)[:_ALERTS], more=max(0, len(alerts) - _ALERTS), commands=commands,
    )  # fmt: skip


@router.get("/fragments/alerts")
async def alerts_part(visit: Viewer, zone: str | None = None) -> HTMLResponse:
    """The short list of open alerts, of one zone or of all."""
    alerts = [a for a in await visit.console.services.alerts.alerts() if zone is None or a.zone == zone]
    return part(
        visit, "parts/alerts_short.html", alerts=visit.alert_rows(alerts)[:_ALERTS], more=max(0, len(alerts) - _ALERTS),
        zones=visit.console.services.inventory.zones,
    )  # fmt: skip


@router.get("/fragments/commands")
async def commands_part(visit: Viewer) -> HTMLResponse:
    """The overview's list of the last commands."""
    return part(visit, "parts/commands_short.html", commands=await _last_moves(visit))


@router.get("/fragments/sparklines")
async def sparklines_part(visit: Viewer) -> HTMLResponse:
    """The small trends of the zones' table, each put in its place by htmx."""
    lines = await _sparklines(visit)
    return part(visit, "parts/sparklines.html", lines=lines)


@router.get("/map.json")
async def network(visit: Viewer, request: Request) -> Response:
    """The network as the map draws it; it changes only when the console starts anew."""
    tag = f'"{visit.console.network_tag}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(visit.console.network, media_type="application/json", headers=headers)


async def _last_moves(visit: Visit) -> list[CommandRow]:
    """The newest commands that moved something; renewals of an unchanged setpoint would crowd them out."""
    rows = await visit.console.services.commands.commands(limit=_LOOK_BACK)
    return [row for row in rows if row.command.source is not Source.RENEWAL][:_COMMANDS]


async def _sparklines(visit: Visit) -> dict[str, str]:
    services = visit.console.services
    found = await inflow_lines(services.series, services.inventory, end=services.clock.now())
    return {zone: sparkline(values) for zone, values in found.items()}
