"""The structure of the dashboards we emit, every field of it, and rules that Grafana would not complain about but readers would.

Stricter than Grafana's own schema, which lets a misspelt ``rawSql`` or an unknown unit pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboards.specs import Kind, Unit
from domain.errors import ConfigurationError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(_Part):
    """Which data source: always the one the reader chose."""

    type: Literal["grafana-postgresql-datasource"]
    uid: Literal["${ds}"]


class GridPosition(_Part):
    """Place on the grid of 24 columns."""

    h: int = Field(ge=1)
    w: int = Field(ge=1, le=24)
    x: int = Field(ge=0, lt=24)
    y: int = Field(ge=0)


class Target(_Part):
    """One query."""

    refId: str = Field(pattern="^[A-Z]$")
    datasource: Source
    format: Literal["time_series", "table"]
    rawQuery: Literal[True]
    editorMode: Literal["code"]
    rawSql: str = Field(min_length=1)


class Property(_Part):
    """One overridden property of a field."""

    id: Literal["unit", "decimals"]
    value: Unit | int


class Matcher(_Part):
    """Which field."""

    id: Literal["byName"]
    options: str


class Override(_Part):
    """Properties of one field."""

    matcher: Matcher
    properties: list[Property]


class Defaults(_Part):
    """Properties of all fields."""

    unit: Unit
    decimals: int | None = None
    noValue: str | None = None
    custom: dict[str, Any] = {}


class FieldConfig(_Part):
    """Properties of fields."""

    defaults: Defaults
    overrides: list[Override]


class Panel(_Part):
    """One panel with its queries."""

    id: int = Field(ge=1)
    type: Kind
    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    transparent: bool
    datasource: Source
    gridPos: GridPosition
    repeatDirection: Literal["h"] | None = None
    interval: str | None = None
    timeFrom: str | None = None
    targets: list[Target] = Field(min_length=1)
    options: dict[str, Any]
    fieldConfig: FieldConfig


class Heading(_Part):
    """A row's heading."""

    id: int = Field(ge=1)
    type: Literal["row"]
    title: str = Field(min_length=1)
    collapsed: Literal[False]
    panels: list[Any] = Field(max_length=0)
    gridPos: GridPosition


class Chosen(_Part):
    """What a variable holds at first."""

    text: list[str]
    value: list[str]


class Variable(_Part):
    """Something the reader chooses."""

    type: Literal["datasource", "query"]
    name: str = Field(pattern=r"^[a-z]\w*$")
    label: str
    skipUrlSync: bool
    query: str
    datasource: Source | None = None
    current: Chosen | None = None
    multi: bool
    allowCustomValue: bool
    refresh: Literal[1] | None = None
    includeAll: bool


class Templating(_Part):
    """All variables."""

    list: list[Variable]


class Link(_Part):
    """A link at the top: to every dashboard that carries the tags."""

    title: str
    type: Literal["dashboards"]
    icon: str
    tooltip: str
    tags: list[str] = Field(min_length=1)
    asDropdown: bool
    targetBlank: bool
    includeVars: Literal[True]
    keepTime: Literal[True]


class Time(_Part):
    """First range shown."""

    from_: str = Field(alias="from", pattern=r"^now-\d+[hd]$")
    to: Literal["now"]


class Dashboard(_Part):
    """The whole file."""

    schemaVersion: Literal[41]
    uid: str = Field(pattern="^[a-z][a-z0-9-]{2,39}$")
    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    tags: list[str] = Field(min_length=1)
    timezone: Literal["browser"]
    editable: Literal[False]
    graphTooltip: Literal[1]
    time: Time
    fiscalYearStartMonth: Literal[0]
    refresh: Literal["1m"]
    annotations: dict[str, Any] = Field(max_length=0)
    templating: Templating
    links: list[Link]
    panels: list[Annotated[Panel | Heading, Field(discriminator="type")]] = Field(min_length=1)

    @property
    def drawn(self) -> tuple[Panel, ...]:
        """Panels without headings."""
        return tuple(panel for panel in self.panels if isinstance(panel, Panel))


def parse(data: object, file: str) -> Dashboard:
    """The dashboard of a file.

    Raises:
        ConfigurationError: Its structure is not ours; names file, key, value and what would be right.
    """
    try:
        return Dashboard.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(file=file, key=key, value=first.get("input"), expected=first["msg"]) from None


def faults(dashboard: Dashboard) -> list[str]:
    """What is wrong with a dashboard of the right structure; empty when all is well."""
    return [f"{dashboard.uid}: {fault}" for fault in (*_whole(dashboard), *_panels(dashboard))]


def _whole(dashboard: Dashboard) -> Iterator[str]:
    ids = [panel.id for panel in dashboard.panels]
    if len(set(ids)) != len(ids):
        yield f"panel ids {sorted(ids)} are not unique"
    variables = {variable.name for variable in dashboard.templating.list}
    if "ds" not in variables:
        yield "there is no variable ds to choose the data source"
    for link in dashboard.links:
        if not set(link.tags) & set(dashboard.tags):
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
    if kind == "table" and not re.search(r"\bLIMIT \d+$", sql):
        yield "a table needs a LIMIT at its end"
    if by_zone and "$zone" not in sql and "-- Every zone:" not in sql:
        yield "$zone is not used, and no comment '-- Every zone:' says why"
    if re.search(r"'\$\{?zone\}?'", sql):
        yield "$zone is quoted already by Grafana"
