"""A zone's faceplate: what is measured, what moves it, and the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, JSONResponse

from commands.authorisation import Right
from console.access import Viewer, Visit
from console.alarm_rows import listed
from console.desk_steps import MODE_HOURS, DeskStep
from console.expected import inflow_band
from console.i18n import Texts
from console.pages import page, part
from console.trends import zone_trend
from domain.assets import Actuator
from domain.zones import Zone

router = APIRouter()


@router.get("/zones/{key}")
async def zone_page(visit: Viewer, key: str) -> HTMLResponse:
    """The faceplate of a zone."""
    return await render_zone(visit, find_zone(visit, key))


@router.get("/zones/{key}/trend.json")
async def trend(visit: Viewer, key: str, hours: float = Query(default=24, ge=1, le=168)) -> JSONResponse:
    """Inflow and pressures of the last hours, in columns, with the roles of the pressures."""
    services = visit.console.services
    zone = find_zone(visit, key)
    found = await zone_trend(
        services.series, services.inventory, zone.key, end=services.clock.now(), hours=hours, step_s=services.options.trend_step_s
    )
    return JSONResponse({**found.columns(), "min_pressure_m": zone.min_pressure_m, "lines": _lines(visit, zone)})


@router.get("/zones/{key}/band.json")
async def band(visit: Viewer, key: str, hours: float = Query(default=24, ge=1, le=168)) -> JSONResponse:
    """What the zone usually takes at these hours: the 5-95 % band of the days before."""
    services = visit.console.services
    zone = find_zone(visit, key)
    found = await inflow_band(services.series, services.inventory, zone.key, end=services.clock.now(), hours=hours)
    return JSONResponse(found.columns())


@router.get("/fragments/advice")
async def advice_part(visit: Viewer, actuator: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
    """Why the law would set what it would set, in the page's language: asked for when it says something new."""
    found = visit.console.services.inventory.actuators.get(actuator)
    if found is None:
        raise HTTPException(404, f"there is no actuator {actuator[:60]!r}")
    now = (await visit.console.feed.current()).actuator(found.key)
    names = critical_names(visit.texts, find_zone(visit, found.zone))
    return part(visit, "parts/advice.html", words=now.advice_reason if now else "", critical_names=names)


def find_zone(visit: Visit, key: str) -> Zone:
    """The zone, or 404."""
    zone = visit.console.services.inventory.zones.get(key)
    if zone is None:
        raise HTTPException(404, f"there is no zone {key[:60]!r}")
    return zone


def zone_actuators(visit: Visit, zone: str) -> list[Actuator]:
    """The zone's actuators, in the inventory's order."""
    return [a for a in visit.console.services.inventory.actuators.values() if a.zone == zone]


async def render_zone(visit: Visit, zone: Zone, steps: Mapping[str, DeskStep] | None = None) -> HTMLResponse:
    """The faceplate, with a step of the desk opened where a form was sent without htmx."""
    services = visit.console.services
    snapshot = await visit.console.feed.current()
    alerts = listed(await services.alerts.alerts(), zone.key)
    return await page(
        visit, "zone.html", snapshot=snapshot, zone=zone, view=snapshot.zone(zone.key), actuators=zone_actuators(visit, zone.key),
        alerts=visit.alert_rows(alerts),
        critical_names=critical_names(visit.texts, zone), steps=steps or {}, start=DeskStep(),
        approvals={r.proposal.actuator: r for r in await services.desk.approvals(visit.user)},
        may_propose=visit.may(Right.PROPOSE, zone.key), may_auto=visit.may(Right.SET_AUTO, zone.key),
        trend_hours=services.options.trend_hours, mode_hours=MODE_HOURS,
    )  # fmt: skip


def critical_names(texts: Texts, zone: Zone) -> dict[str, str]:
    """What the pages call each critical point of a zone: they are numbered, their keys are long."""
    return {str(p): texts("zone.critical_point", number=i) for i, p in enumerate(zone.critical_points, 1)}


def _lines(visit: Visit, zone: Zone) -> list[dict[str, Any]]:
    """What each pressure of the trend is."""
    t = visit.texts
    lines: list[dict[str, Any]] = [
        {"point": point, "role": "critical", "label": label} for point, label in critical_names(t, zone).items()
    ]
    for a in zone_actuators(visit, zone.key):
        for role, point in (("outlet", a.outlet_pressure), ("setpoint", a.setpoint)):
            lines.append({"point": str(point), "role": role, "label": f"{a.key} · {t(f'actuator.{role}')}"})
    return lines
