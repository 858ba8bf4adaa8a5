"""How well the alarms serve the operators: figures of EEMUA 191 over a span, against the benchmarks, with a plot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from fastapi import APIRouter, Query
from fastapi.responses import Response

from alerts.definitions import Desk, desk_of
from alerts.performance import FLOOD_BEGINS, Source, measure
from console.access import Viewer, Visit
from console.alarm_plot import alarm_plot
from console.alarm_rows import of_desk
from console.pages import page
from domain.zones import Zone

router = APIRouter()
SPANS_D = (1, 7, 28)


@router.get("/alerts/performance")
async def performance_page(
    visit: Viewer, days: int = Query(default=7, ge=1, le=92), operators: int = Query(default=1, ge=1, le=100)
) -> Response:
    """The last so many days, shared by so many operators."""
    services = visit.console.services
    end = services.clock.now()
    start = end - timedelta(days=days)
    told = [t for t in await services.alerts.annunciations(start, end) if desk_of(t.code) is Desk.NETWORK]
    zones = services.inventory.zones
    found = measure(told, of_desk(await services.alerts.alerts()), start, end, operators=operators)
    return await page(
        visit,
        "alerts_performance.html",
        found=found,
        plot=alarm_plot(found, services.inventory.site.calendar.zone),
        standing={row.alert.key: row for row in visit.alert_rows(found.standing)},
        names={s: _name(visit, s, zones) for s in (*found.top, *found.chattering)},
        days=days,
        operators=operators,
        spans=SPANS_D,
        flood=FLOOD_BEGINS,
    )


def _name(visit: Visit, source: Source, zones: Mapping[str, Zone]) -> str:
    """What a source is called: its alarm's title and, unless that says it, its place."""
    place = zones[source.place].name(visit.texts.language) if source.place in zones else source.place
    title = visit.texts.find(f"alert.{source.code}.title", subject=place, name=place) or source.code
    return title if not place or place in title else f"{title} · {place}"
