"""A site's inventory: what its TOML files say, checked as a whole.

    site.toml ─┐
    zones.toml ─┼─▶ build_inventory ─▶ Inventory, or ConfigurationError: file, key, value, what would be right
    points.toml ─┤
    devices.toml ─┘

Files are read elsewhere; here are only their parsed tables. Unknown keys are errors, and so is every reference into the void.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.assets import Actuator, Device, Gateway
from domain.calendar import Calendar
from domain.factors import LeakFactors
from domain.inventory_parts import (
    parse_actuator,
    parse_boundary_valve,
    parse_device,
    parse_factors,
    parse_gateway,
    parse_point,
    parse_site,
    parse_zone,
)
from domain.inventory_rules import check_boundaries, check_references
from domain.points import Point, PointKey
from domain.tables import Table
from domain.zones import BoundaryValve, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The utility's site as a whole."""

    key: str
    names: dict[str, str]
    calendar: Calendar
    network_file: str | None = None
    factors: LeakFactors = field(default_factory=LeakFactors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything a site owns, by key."""

    site: Site
    zones: dict[str, Zone]
    points: dict[PointKey, Point]
    gateways: dict[str, Gateway]
    """By node id."""
    devices: dict[str, Device]
    actuators: dict[str, Actuator]
    boundary_valves: tuple[BoundaryValve, ...] = ()

    def metered_zones(self) -> tuple[Zone, ...]:
        """Zones with at least one inlet."""
        return tuple(z for z in self.zones.values() if z.inlets)

    def neighbours(self) -> dict[str, frozenset[str]] | None:
        """Zones on the other side of each zone's boundary valves; None where the site names no valve at all."""
        if not self.boundary_valves:
            return None
        pairs = [pair for v in self.boundary_valves for pair in (v.zones, v.zones[::-1])]
        return {z: frozenset(other for zone, other in pairs if zone == z) for z in self.zones}

    def edge(self, device: str) -> str:
        """``group/node`` of the gateway a device is behind."""
        gateway = self.gateways[self.devices[device].gateway]
        return f"{gateway.group}/{gateway.node}"


def build_inventory(documents: Mapping[str, Mapping[str, Any]]) -> Inventory:
    """The inventory of a site.

    Args:
        documents: Parsed TOML by file name: ``site.toml``, ``zones.toml``, ``points.toml``, ``devices.toml``.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    site_table = Table.root("site.toml", documents.get("site.toml", {}))
    key, names, calendar, network_file = parse_site(site_table)
    zones = _unique("zones.toml", "zone", documents, parse_zone, lambda z: z.key)
    points = _unique("points.toml", "point", documents, parse_point, lambda p: p.key)
    gateways = _unique("devices.toml", "gateway", documents, parse_gateway, lambda g: g.node)
    devices = _unique("devices.toml", "device", documents, parse_device, lambda d: d.key)
    actuators = _unique("devices.toml", "actuator", documents, parse_actuator, lambda a: a.key)
    zones_table = Table.root("zones.toml", documents.get("zones.toml", {}))
    zones_table.only("zone", "boundary_valve")
    valves = tuple(parse_boundary_valve(row) for row in zones_table.tables("boundary_valve"))
    Table.root("devices.toml", documents.get("devices.toml", {})).only("gateway", "device", "actuator")
    check_references(zones, points, gateways, devices, actuators)
    check_boundaries(valves, zones)
    return Inventory(
        site=Site(key=key, names=names, calendar=calendar, network_file=network_file, factors=parse_factors(site_table)),
        zones=zones,
        points=points,
        gateways=gateways,
        devices=devices,
        actuators=actuators,
        boundary_valves=valves,
    )


def _unique(file: str, name: str, documents: Mapping[str, Mapping[str, Any]], parse: Any, key_of: Any) -> dict[Any, Any]:
    """The parsed rows of one array of tables by key; a key given twice is an error."""
    table = Table.root(file, documents.get(file, {}))
    found: dict[Any, Any] = {}
    rows: Sequence[Table] = table.tables(name)
    for row in rows:
        item = parse(row)
        if key_of(item) in found:
            raise row.wrong("key" if name != "gateway" else "node", key_of(item), f"a {name} key used only once")
        found[key_of(item)] = item
    return found
