"""Rules that Grafana would not complain about, but readers would."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from dashboards.model import Dashboard, Target
from dashboards.specs import Kind

_LINKED = re.compile(r"/d/(?P<uid>[a-z0-9-]+)")
_FIELD = re.compile(r"\$\{__data\.fields\.(?P<name>\w+)")


def faults(dashboard: Dashboard, uids: Collection[str]) -> list[str]:
    """What is wrong with a dashboard of the right structure; empty when all is well.

    Args:
        dashboard: One of them.
        uids: Of all there are, which links may lead to.
    """
    return [f"{dashboard.uid}: {fault}" for fault in (*_whole(dashboard), *_panels(dashboard), *_links(dashboard, uids))]


def _whole(dashboard: Dashboard) -> Iterator[str]:
    ids = [panel.id for panel in dashboard.panels]
    if len(set(ids)) != len(ids):
        yield f"panel ids {sorted(ids)} are not unique"
    variables = {variable.name for variable in dashboard.templating.list}
    if "ds" not in variables:
        yield "there is no variable ds to choose the data source"
    for link in dashboard.links:
        if link.type == "dashboards" and not set(link.tags) & set(dashboard.tags):
            yield f"the link {link.title!r} leads to tags {link.tags}, which this dashboard does not carry itself"
    taken: dict[tuple[int, int], int] = {}
    for panel in dashboard.panels:
        place = panel.gridPos
        if place.x + place.w > 24:
            yield f"panel {panel.id} ends at column {place.x + place.w} of 24"
        for cell in ((x, y) for x in range(place.x, place.x + place.w) for y in range(place.y, place.y + place.h)):
            if taken.setdefault(cell, panel.id) != panel.id:
                yield f"panels {taken[cell]} and {panel.id} lie over one another"
                break


def _links(dashboard: Dashboard, uids: Collection[str]) -> Iterator[str]:
    """Links lead to dashboards of the same language that exist, with columns that the query names."""
    language = dashboard.uid.rpartition("-")[2]
    for panel in dashboard.drawn:
        sql = " ".join(target.rawSql for target in panel.targets)
        for link in panel.links:
            for uid in _LINKED.findall(link.url):
                if uid not in uids or not uid.endswith(f"-{language}"):
                    yield f"panel {panel.id} {panel.title!r}: link {link.title!r} leads to {uid}, which is not there in {language}"
            for name in _FIELD.findall(link.url):
                if not re.search(rf"\bAS {name}\b", sql):
                    yield f"panel {panel.id} {panel.title!r}: the link {link.title!r} needs a column {name}"


def _panels(dashboard: Dashboard) -> Iterator[str]:
    by_zone = "zone" in {variable.name for variable in dashboard.templating.list}
    for panel in dashboard.drawn:
        for target in panel.targets:
            for fault in _sql(panel.type, target, by_zone=by_zone):
                yield f"panel {panel.id} {panel.title!r}: {fault}"


def _sql(kind: Kind, target: Target, *, by_zone: bool) -> Iterator[str]:
    sql = target.rawSql
    if re.search(r"\bselect\s+(\w+\.)?\*", sql, re.IGNORECASE):
        yield "SELECT *: a new column would change the panel"
    if (kind == "timeseries") != (target.format == "time_series"):
        yield f"format {target.format} does not fit a {kind}"
    if kind == "timeseries" and not re.search(r'\bAS "time"', sql):
        yield 'no column is named AS "time"'
    if kind == "timeseries" and not re.search(r"ORDER BY 1\b[^()]*$", sql):
        yield "rows are not ordered by time at the end"
    if kind in ("table", "geomap", "xychart", "trend") and not re.search(r"\bLIMIT \d+$", sql):
        yield f"a {kind} needs a LIMIT at its end"
    if by_zone and "$zone" not in sql and "-- Every zone:" not in sql:
        yield "$zone is not used, and no comment '-- Every zone:' says why"
    if re.search(r"'\$\{?zone\}?'", sql):
        yield "$zone is quoted already by Grafana"
