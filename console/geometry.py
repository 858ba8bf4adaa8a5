"""The network for the map: links grouped by zone as flat arrays, and the places people act on. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from console.ports import MapGeometry
from domain.inventory import Inventory
from domain.points import Point, Role

_SYMBOLS = {
    Role.TANK_LEVEL: "tank",
    Role.PUMP_FLOW: "pump",
    Role.CRITICAL_PRESSURE: "critical",
}


def map_document(geometry: MapGeometry, inventory: Inventory) -> dict[str, Any]:
    """What the map draws, in metres with y pointing north.

    ``box`` is [west, south, east, north]; ``zones`` maps each zone key (``""`` for mains outside every metered zone) to ``lines``,
    a flat list x1, y1, x2, y2 …, and for real zones ``at``, the place of its label; ``symbols`` are valves, tanks, pumps and
    critical points.
    """
    lines: dict[str, list[float]] = defaultdict(list)
    metered = {zone.key for zone in inventory.metered_zones()}
    for _, start, end, zone in geometry.links:
        if start in geometry.nodes and end in geometry.nodes:
            lines[zone if zone in metered else ""] += [round(c, 1) for c in (*geometry.nodes[start], *geometry.nodes[end])]
    symbols = _symbols(geometry, inventory)
    everything = [c for flat in lines.values() for c in flat] + [c for s in symbols for c in (s["x"], s["y"])]
    xs, ys = everything[0::2], everything[1::2]
    return {
        "box": [min(xs), min(ys), max(xs), max(ys)] if xs else [0, 0, 1, 1],
        "zones": {zone: {"lines": flat, "at": _middle(flat) if zone else None} for zone, flat in sorted(lines.items())},
        "symbols": symbols,
    }


def _symbols(geometry: MapGeometry, inventory: Inventory) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for actuator in inventory.actuators.values():
        place = next(
            (p for key in (actuator.setpoint, actuator.outlet_pressure, actuator.flow)
             if (p := _place(inventory.points.get(key), geometry))), None,
        )  # fmt: skip
        if place:
            found.append({"kind": "valve", "key": actuator.key, "zone": actuator.zone, "x": place[0], "y": place[1]})
    for point in inventory.points.values():
        place = _place(point, geometry)
        if point.role in _SYMBOLS and place:
            kind = _SYMBOLS[point.role]
            found.append({"kind": kind, "key": str(point.key), "zone": point.zone, "x": place[0], "y": place[1]})
    return found


def _place(point: Point | None, geometry: MapGeometry) -> tuple[float, float] | None:
    if point is None:
        return None
    if point.x is not None and point.y is not None:
        return point.x, point.y
    if point.node in geometry.nodes:
        return geometry.nodes[point.node]
    for name, start, end, _ in geometry.links:
        if name == point.node and start in geometry.nodes and end in geometry.nodes:
            (x1, y1), (x2, y2) = geometry.nodes[start], geometry.nodes[end]
            return (x1 + x2) / 2, (y1 + y2) / 2
    return None


def _middle(flat: list[float]) -> list[float]:
    """The mean of the ends: inside or near any compact zone."""
    xs, ys = flat[0::2], flat[1::2]
    return [round(sum(xs) / len(xs), 1), round(sum(ys) / len(ys), 1)]
