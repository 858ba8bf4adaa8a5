"""The map of a replay: which column is which point, in which unit, in which zone.

[replay]
time_column = "time_utc"
timezone = "UTC"            # of times that carry none
[site]
key = "bwdf"
timezone = "Europe/Rome"    # local time of the zones, for night flows
[[column]]
name = "dma1_lps"
zone = "dma1"
quantity = "flow"
unit = "L/s"
resolution = "0.0001"       # smallest step of a cell, in that unit
period_s = 3600
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.errors import ConfigurationError
from domain.inventory import Inventory, build_inventory
from domain.quantities import Quantity, Unit
from domain.tables import Table

GROUP = "replay"
DEVICE = "series"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the file."""

    name: str
    point: str
    zone: str
    unit: Unit
    resolution: Decimal
    """Smallest step of a cell, in ``unit``."""
    metric: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayMap:
    """The whole map."""

    node: str
    time_column: str
    timezone: ZoneInfo
    columns: tuple[Column, ...]
    inventory: Inventory


def parse_map(data: dict[str, Any], file: str) -> ReplayMap:
    """The map out of parsed TOML.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    root = Table.root(file, data)
    root.only("replay", "site", "column")
    replay, site = root.table("replay"), root.table("site")
    replay.only("time_column", "timezone")
    site.only("key", "timezone")
    tables = root.tables("column")
    if not tables:
        raise root.wrong("column", [], "at least one [[column]]")
    columns = tuple(_column(table) for table in tables)
    _names_once(columns, root)
    key = site.text("key", "replay")
    return ReplayMap(
        node=key,
        time_column=replay.text("time_column"),
        timezone=_zone(replay),
        columns=columns,
        inventory=build_inventory(_documents(key, site.text("timezone", "UTC"), columns, tables)),
    )


def _column(table: Table) -> Column:
    table.only("name", "zone", "point", "quantity", "unit", "resolution", "period_s", "low", "high")
    quantity: Quantity = table.word("quantity", Quantity, Quantity.FLOW)
    unit = table.unit("unit", quantity)
    zone = table.text("zone")
    point = table.text("point", f"{zone}.inlet.{quantity.value}")
    return Column(
        name=table.text("name"),
        point=point,
        zone=zone,
        unit=unit,
        resolution=table.decimal("resolution"),
        metric=f"{point.replace('.', '_')}{quantity.suffix}",
    )


def _names_once(columns: tuple[Column, ...], root: Table) -> None:
    for i, column in enumerate(columns):
        earlier = columns[:i]
        if any(c.name == column.name for c in earlier):
            raise root.wrong(f"column[{i}].name", column.name, "a column named only once")
        if any(c.point == column.point for c in earlier):
            raise root.wrong(f"column[{i}].point", column.point, "a point fed by one column only; give `point` a name of its own")


def _zone(table: Table) -> ZoneInfo:
    name: str = table.text("timezone", "UTC")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise table.wrong("timezone", name, "a name of the IANA time zone database, such as UTC or Europe/Rome") from None


def _documents(key: str, timezone: str, columns: tuple[Column, ...], tables: Any) -> dict[str, dict[str, Any]]:
    """The site the map describes, in the words of a site folder."""
    zones = dict.fromkeys(c.zone for c in columns)
    flows = {z: [c.point for c in columns if c.zone == z and c.unit.quantity is Quantity.FLOW] for z in zones}
    optional = ("period_s", "low", "high")
    return {
        "site.toml": {"site": {"key": key, "timezone": timezone}},
        "zones.toml": {
            "zone": [
                {"key": z, "kind": "dma" if flows[z] else "commune", "names": {"en": z}, "inlets": [{"point": p} for p in flows[z]]}
                for z in zones
            ]
        },
        "points.toml": {
            "point": [
                {
                    "key": c.point,
                    "quantity": c.unit.quantity.value,
                    "role": "inflow" if c.unit.quantity is Quantity.FLOW else "other",
                    "resolution": str(c.resolution),
                    "unit": c.unit.symbol,
                    "zone": c.zone,
                    **{k: t.data[k] for k in optional if k in t.data},
                }
                for c, t in zip(columns, tables, strict=True)
            ]
        },
        "devices.toml": {
            "gateway": [{"node": key, "group": GROUP}],
            "device": [
                {"key": DEVICE, "gateway": key, "model": "replay", "channels": {c.metric: c.point for c in columns}},
            ],
        },
    }


def check_header(header: list[str], replay: ReplayMap, file: str) -> None:
    """Refuses a file whose header lacks a column of the map.

    Raises:
        ConfigurationError: Naming the column and those the file has.
    """
    for name in (replay.time_column, *(c.name for c in replay.columns)):
        if name not in header:
            raise ConfigurationError(file=file, key="(header)", value=header, expected=f"a column {name!r}, which the map names")
