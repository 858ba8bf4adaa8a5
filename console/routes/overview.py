"""The first page: the network on a map, the zones in a table, what is open and what was ordered last; and all zones in a table."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from console.access import Viewer, Visit
from console.alarm_rows import listed
from console.pages import page, part
from console.snapshot import ActuatorNow, Snapshot, ZoneView
from console.trends import inflow_lines, sparkline
from domain.ports_commands import CommandRow
from domain.setpoints import Source

router = APIRouter()
ROWS = 14
"""Zones in the first page's table; of more, those that need somebody."""
PAGE_ROWS = 50
_ALERTS = 6
_COMMANDS = 5
_LOOK_BACK = 60
_NOTHING_OPEN = 9


@router.get("/")
async def overview(visit: Viewer) -> HTMLResponse:
    """The overview."""
    services = visit.console.services
    snapshot = await visit.console.feed.current()  # before the lists, so that no change after it is missed
    rows = snapshot.zones if len(snapshot.zones) <= ROWS else neediest(snapshot.zones)[:ROWS]
    lines, known, commands = await asyncio.gather(_sparklines(visit, rows), services.alerts.alerts(), _last_moves(visit))
    alerts = listed(known)
    return await page(
        visit, "overview.html", snapshot=snapshot, zones=services.inventory.zones, lines=lines, rows=rows, valves=valves(snapshot),
        zone_names={z.key: z.name(visit.texts.language) for z in services.inventory.metered_zones()},
        map_address=f"/map.json?v={visit.console.network.tag}",
        alerts=visit.alert_rows(alerts)[:_ALERTS], more=max(0, len(alerts) - _ALERTS), commands=commands,
    )  # fmt: skip


@router.get("/zones")
async def all_zones(
    visit: Viewer, q: Annotated[str, Query(max_length=60)] = "", number: Annotated[int, Query(alias="page", ge=1)] = 1
) -> HTMLResponse:
    """Every zone in pages, those that need somebody first, and the tanks and pumps: the map as a table."""
    services, snapshot = visit.console.services, await visit.console.feed.current()
    words = q.casefold().split()
    zones = services.inventory.zones
    found = [
        view for view in neediest(snapshot.zones)
        if all(any(word in text.casefold() for text in (view.key, *zones[view.key].names.values())) for word in words)
    ]  # fmt: skip
    pages = max(1, -(-len(found) // PAGE_ROWS))
    rows = found[(min(number, pages) - 1) * PAGE_ROWS :][:PAGE_ROWS]
    return await page(
        visit, "zones.html", snapshot=snapshot, zones=zones, rows=rows, lines=await _sparklines(visit, rows), found=len(found),
        valves=valves(snapshot), q=q, pages=pages, number=min(number, pages),
    )  # fmt: skip


def neediest(zones: Iterable[ZoneView]) -> list[ZoneView]:
    """Zones by how much they need somebody: alerts, low pressure, no data, doubtful data, the rest."""
    return sorted(zones, key=lambda z: (z.worst or _NOTHING_OPEN, not z.below_minimum, not z.stale, not z.suspect))


def valves(snapshot: Snapshot) -> dict[str, list[ActuatorNow]]:
    """The actuators of each zone."""
    found: dict[str, list[ActuatorNow]] = defaultdict(list)
    for actuator in snapshot.actuators:
        found[actuator.zone].append(actuator)
    return found


@router.get("/fragments/alerts")
async def alerts_part(visit: Viewer, zone: str | None = None) -> HTMLResponse:
    """The short list of open alerts, of one zone or of all."""
    alerts = listed(await visit.console.services.alerts.alerts(), zone)
    return part(
        visit, "parts/alerts_short.html", alerts=visit.alert_rows(alerts)[:_ALERTS], more=max(0, len(alerts) - _ALERTS),
        zones=visit.console.services.inventory.zones,
    )  # fmt: skip


@router.get("/fragments/commands")
async def commands_part(visit: Viewer) -> HTMLResponse:
    """The overview's list of the last commands."""
    return part(visit, "parts/commands_short.html", commands=await _last_moves(visit))


@router.get("/fragments/sparklines")
async def sparklines_part(visit: Viewer, zones: Annotated[str, Query(max_length=4000)] = "") -> HTMLResponse:
    """The small trends of some zones' rows, each put in its place by htmx."""
    wanted = set(zones.split(",")[:PAGE_ROWS])
    snapshot = await visit.console.feed.current()
    return part(visit, "parts/sparklines.html", lines=await _sparklines(visit, [z for z in snapshot.zones if z.key in wanted]))


@router.get("/map.json")
async def network(visit: Viewer, request: Request, v: str = "") -> Response:
    """The network as the map draws it. Under its own tag it never changes, so a browser asks for it once."""
    kept = visit.console.network
    keep = "private, max-age=31536000, immutable" if v == kept.tag else "private, no-cache"
    headers = {"etag": f'"{kept.tag}"', "cache-control": keep, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(kept.packed, media_type="application/json", headers={**headers, "content-encoding": "gzip"})
    return Response(kept.plain, media_type="application/json", headers=headers)


async def _last_moves(visit: Visit) -> list[CommandRow]:
    """The newest commands that moved something; renewals of an unchanged setpoint would crowd them out."""
    rows = await visit.console.services.commands.commands(limit=_LOOK_BACK)
    return [row for row in rows if row.command.source is not Source.RENEWAL][:_COMMANDS]


async def _sparklines(visit: Visit, rows: Sequence[ZoneView]) -> dict[str, str]:
    services = visit.console.services
    zones = [services.inventory.zones[row.key] for row in rows]
    found = await inflow_lines(services.series, zones, end=services.clock.now())
    return {zone: sparkline(values) for zone, values in found.items()}
