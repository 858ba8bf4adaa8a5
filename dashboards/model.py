"""The structure of the dashboards we emit, every field of it.

Stricter than Grafana's own schema, which lets a misspelt ``rawSql`` or an unknown unit pass.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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


class DataLink(_Part):
    """Where a click on a value leads."""

    title: str = Field(min_length=1)
    url: str = Field(pattern=r"^(/d/khettara-[a-z]+-(fr|en)\?|\$\{console\}/)")


class Property(_Part):
    """One overridden property of a field."""

    id: Literal[
        "unit", "decimals", "links", "custom.hidden", "custom.lineWidth", "custom.lineStyle", "custom.fillOpacity",
        "custom.fillBelowTo", "custom.show", "custom.pointStrokeWidth",
    ]  # fmt: skip
    value: Unit | int | bool | str | list[DataLink] | dict[str, str | list[int]]

    @model_validator(mode="after")
    def _fits(self) -> Property:
        kind = _VALUES[self.id]
        if not isinstance(self.value, kind) or (kind is int and isinstance(self.value, bool)):
            raise ValueError(f"property {self.id} holds {self.value!r}; right would be {kind.__name__}")
        if self.id == "unit" and self.value not in get_args(Unit):
            raise ValueError(f"{self.value!r} is no unit that we use")
        return self


_VALUES: dict[str, type] = {
    "unit": str,
    "decimals": int,
    "links": list,
    "custom.hidden": bool,
    "custom.lineWidth": int,
    "custom.lineStyle": dict,
    "custom.fillOpacity": int,
    "custom.fillBelowTo": str,
    "custom.show": str,
    "custom.pointStrokeWidth": int,
}


class Matcher(_Part):
    """Which field."""

    id: Literal["byName"]
    options: str


class Override(_Part):
    """Properties of one field."""

    matcher: Matcher
    properties: list[Property]


class Threshold(_Part):
    """From this value on a value has this colour."""

    value: float | None
    color: str = Field(pattern=r"^(#[0-9a-f]{6}|[a-z-]+)$")


class Thresholds(_Part):
    """Colours by value."""

    mode: Literal["absolute"]
    steps: list[Threshold] = Field(min_length=1)


class Color(_Part):
    """Which rule gives a value its colour."""

    mode: Literal["thresholds"]


class Defaults(_Part):
    """Properties of all fields."""

    unit: Unit
    decimals: int | None = None
    noValue: str | None = None
    min: float | None = None
    thresholds: Thresholds
    color: Color | None = None
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

    @property
    def links(self) -> tuple[DataLink, ...]:
        """Where clicks on its values lead."""
        properties = (part for override in self.fieldConfig.overrides for part in override.properties)
        return tuple(link for part in properties if isinstance(part.value, list) for link in part.value)


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
    """Something the reader chooses, or types."""

    type: Literal["datasource", "query", "textbox"]
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
    """A link at the top: to every dashboard that carries the tags, or into the console."""

    title: str = Field(min_length=1)
    type: Literal["dashboards", "link"]
    icon: str
    tooltip: str
    url: str | None = None
    tags: list[str]
    asDropdown: bool
    targetBlank: bool
    includeVars: bool
    keepTime: bool


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
